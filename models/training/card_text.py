"""The parts of the model card that no measurement changes."""

INTRODUCTION = """
# Moodscribe default bundle 0.1.0

Eight small nets that give a track scores for the 56 mood/theme tags of MTG-Jamendo and curves of valence and
arousal at 2 Hz: five taggers, whose scores are averaged, and three regressors, whose mean is the curve and whose
spread says how much they differ. They are students: they were trained here, from nothing, to say what a larger
teacher says, because the audio at hand has no labels for these tags. Research and non-commercial use.
"""

DATA = """
## Data and terms

| set | used for | how much | terms |
|---|---|---|---|
| 4Q audio emotion dataset (Panda et al., 2018) | audio of the students; valence and arousal | 640 clips of 30 s | research |
| Emotify (Aljanaki et al., 2016) | audio of the students; its ratings are not used | 297 excerpts of 60 s | research |
| MTG-Jamendo split-0 (Bogdanov et al., 2019) | labels of the teacher, on embeddings of its tracks | 17,704 tracks | metadata CC BY-NC-SA 4.0 |
| YAMNet (Google, trained on AudioSet) | the teacher's ear; no weight of it is in the bundle | one net | Apache-2.0 |

4Q's valence and arousal are not ratings of the clips: they are means of the Warriner norms of the mood words that
AllMusic gives the track. The audio is mono Opus at 24 kbit/s.
"""

HOW_TRAINED = """
## How it was trained

Teacher: three nets (1024 -> 384 -> 56, seeds {teacher_seeds}) on the track means of YAMNet's embeddings, fitted on
the official train split, stopped by PR-AUC on validation; their mean is Platt-calibrated on validation. Valence and
arousal: ridge on the clip means, fitted on the train artists of 4Q.

Split: 4Q by artist, balanced over the quadrants, Emotify by track, both by a seeded hash (seed {split_seed}). Test
clips were used for nothing but the figures below.

Taggers: random chunks of 6 to 20 s of the training clips (seven of ten have 20 s), as they are or played 4 to 12.5 %
faster or slower, with masks over time and frequency. Target: the teacher's calibrated probabilities for the same
seconds. Loss: squared error of the logits, in units of each tag's deviation, plus cross-entropy. Adam, cosine decay,
best validation epoch kept. After Amiriparian et al. (2019) the CRNNs with LSTM and BiLSTM start from the
convolutions of the one with GRU, at first frozen.

Regressors: random sections of 40 to 60 half seconds, each net on its own bootstrap draw of the training clips. Loss:
error of the section's mean against the clip's label, and, half as heavy, of every step against the teacher's curve
(its ridge on embeddings smoothed over 3 s). The teacher labels Emotify, which has no valence and arousal.
"""

WEAKNESSES = """
## What is weak

- The tags are a teacher's opinion learned from under a thousand clips, and the teacher itself ranks tags only
  moderately well. Scores order tracks; as probabilities they hold for no catalogue in particular.
- The tags that follow the teacher least: {worst}.
- 4Q and Emotify are mostly Western popular, electronic and classical music of 30 to 60 s excerpts. Whole tracks,
  speech, very short or very long sounds and other musics are outside what was measured.
- The test set is small: intervals are wide, and differences between members mean little.
"""

NOT_FOR = """
## What it must not be used for

- Decisions about persons: what someone listens to says nothing here about how they feel or who they are.
- Claims about ratings: its valence and arousal come from mood words and are not what listeners would rate.
- Health, hiring, credit, policing or advertising aimed at a person's state of mind.
- Commercial use: the sets it was trained on do not allow it.
"""

REBUILD = """
## How to rebuild it

    python -m pipelines.training.default --data DATA --work WORK --output models/bundles/default

`DATA` holds `moods4q/`, `emotify/`, `jamendo/` and `weights/`. Each stage (`--stage prepare|teacher|members|
regressors|calibrate|write`) keeps its results in `WORK` and resumes after a stop. Needs the `train` extra.
"""
