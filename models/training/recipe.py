"""The recipe of the default bundle: folds, seeds, how encoder and heads are trained, what tags mean."""

from __future__ import annotations

from dataclasses import dataclass

from models.training.learning.fit import Phase

SPLIT_SEED = 20_190
FOLDS = 5
TEACHER_SEEDS = (11, 12, 13)
# How much faster or slower a clip's other copy plays.
LEAST_SPEED, MOST_SPEED = 0.04, 0.125


@dataclass(frozen=True, slots=True)
class EncoderPlan:
    """How an encoder is trained: `rows` of a crop, crops of a clip in an epoch, phases and seed."""

    rows: int = 24
    crops: int = 2
    batch: int = 32
    seed: int = 301
    phases: tuple[Phase, ...] = (Phase(5, 3e-4),)
    # The last one, which learns from all clips and is shipped.
    final: tuple[Phase, ...] = (Phase(8, 3e-4),)


@dataclass(frozen=True, slots=True)
class HeadPlan:
    """How the head of valence and arousal is fitted: a voice for each seed, which draws its `share` of the
    groups; widths and strengths are those that are tried."""

    seeds: tuple[int, ...] = (401, 402, 403, 404, 405)
    share: float = 0.8
    widths: tuple[float, ...] = (0.3, 0.5, 0.7, 1.0)
    strengths: tuple[float, ...] = (0.2, 0.35, 0.5, 0.8)


ENCODER = EncoderPlan()
HEAD = HeadPlan()

# Pairs of MTG-Jamendo's tags that contradict each other.
OPPOSITES = (
    ("happy", "sad"),
    ("happy", "melancholic"),
    ("calm", "energetic"),
    ("relaxing", "energetic"),
    ("relaxing", "heavy"),
    ("fast", "slow"),
    ("soft", "heavy"),
    ("upbeat", "sad"),
)

# Mood words of 4Q (AllMusic's) that mean what a tag means, set down before anything was measured.
WORDS = {
    "calm": ("Calm", "Peaceful", "Quiet"),
    "cool": ("Stylish", "Slick"),
    "dark": ("Gloomy", "Ominous", "Menacing", "Bleak"),
    "dramatic": ("Dramatic", "Theatrical"),
    "dream": ("Dreamy", "Ethereal"),
    "emotional": ("Passionate", "Poignant"),
    "energetic": ("Energetic", "Lively", "Exciting"),
    "fun": ("Fun", "Playful"),
    "funny": ("Humorous", "Silly", "Witty"),
    "happy": ("Happy", "Joyous", "Cheerful"),
    "heavy": ("Harsh", "Aggressive"),
    "love": ("Romantic", "Sentimental"),
    "meditative": ("Spiritual", "Reverent", "Reflective"),
    "melancholic": ("Melancholy", "Wistful", "Bittersweet"),
    "party": ("Celebratory", "Rowdy"),
    "positive": ("Positive", "Optimistic"),
    "powerful": ("Strong", "Intense"),
    "relaxing": ("Relaxed", "Soothing", "Laid-Back", "Mellow"),
    "romantic": ("Romantic", "Intimate"),
    "sad": ("Sad", "Gloomy", "Somber"),
    "sexy": ("Sexy", "Sensual", "Sexual"),
    "soft": ("Soft", "Gentle", "Delicate"),
    "summer": ("Summery",),
    "uplifting": ("Uplifting", "Rousing", "Optimistic"),
}
