"""The words of the model card; the figures in braces are filled in from what was measured."""

INTRODUCTION = """
# Moodscribe default bundle {version}

One encoder hears a track once, and small heads share what it hears: {taggers} heads give scores for the 56
mood/theme tags of MTG-Jamendo, a head of {voices} voices gives curves of valence and arousal at 2 Hz. The
mean of heads or voices is what is said, and their spread how much they differ. {megabytes:.1f} MB;
{cpu_s:.2f} s of one core for a track of {track_s:.0f} s (stereo MP3, from bytes to rows, on the machine that
this card was written on).

Terms: {terms}
"""

MEMBERS = """
## Members

{table}

The encoder's layers are YAMNet's (MobileNet v1), which it starts from. It differs in what it is given:
patches of 1.5 s with a frame every 15.6 ms, of one level throughout, on the 2 Hz clock, against .96 s with
a frame every 10 ms: a third of the work. It learnt to say what YAMNet says of the same seconds, also where
the sound that it is given was coded, clipped or otherwise equalised and YAMNet's was not. Score in the
picture: correlation of its clip means with YAMNet's, less the mean clip, on clips that it was not trained
on.

![Curves of learning]({picture})
"""

DATA = """
## Data and terms

| set | used for | how much | terms |
|---|---|---|---|
| 4Q (Panda et al., 2018) | audio; valence and arousal | 640 clips of 30 s | research |
| Emotify (Aljanaki et al., 2016) | audio only | 297 excerpts of 60 s | research |
| MTG-Jamendo split-0 (2019) | tags | {jamendo:,} tracks | CC BY-NC-SA 4.0 metadata |
| YAMNet (Google; AudioSet) | first weights and teacher of the encoder | one net | Apache-2.0 |

4Q's valence and arousal are not ratings of the clips: they are means of the Warriner norms of the mood words
that AllMusic gives the track. The audio is mono Opus at 24 kbit/s. Of MTG-Jamendo only embeddings of the
tracks and their tags were used, no audio.

Splits: the clips are in {folds} folds, 4Q by artist and balanced over the quadrants, Emotify by track and
balanced over genres, by a seeded hash (seed {split_seed}). For each fold an encoder and its heads were
trained as the shipped ones are, on the other folds alone; every figure on clips below is of clips that no
part of what is measured had heard, nor another clip of their artists. The shipped encoder and heads are
trained on all clips.
"""

HOW_TRAINED = """
## How it was trained

Encoder: crops of {crop_s:g} s of every clip, {crops} an epoch, as it is, or {least_speed:.0%} to
{most_speed:.1%} faster or slower (pitch and tempo), or as MP3, as Opus or clipped, each with a smooth
random equaliser of a few dB on top. Loss: Huber, in units of the deviation of each of YAMNet's 1024 values.
Adam, {rate:g}, warmed up, falling on a cosine; {epochs} epochs for a fold, {final_epochs} for the shipped
one; its best epoch by a twentieth of the artists held out. Seeds from {seed} on.

Tags: {nets} nets (1024 -> 384 -> 56, seeds {teacher_seeds}) on the track means of YAMNet's embeddings,
fitted on the true labels of MTG-Jamendo's official train split, stopped by PR-AUC on validation. They are
shipped as they are, on the encoder's rows in place of YAMNet's.

Valence and arousal: {heads} voices of a network of radial basis functions around the logarithm of the mean
row of each clip, fitted by kernel ridge regression, each on its own draw of {share:.0%} of the artists
(seeds {head_seeds}); width and strength by leaving one clip out. A half second is told from the 30 s and the
10 s around it, and the mean of the two is its value.
"""

DECISIONS = """
## Decisions

Calibration: {calibration}.

Thresholds: {thresholds}.

Grades: {grades}.

Off by default: {off}. A run with `--all-tags` decides them too.

Opposites: {opposites}. Where both are above their thresholds the one with the larger margin stays, and both
are flagged.
"""

AFFECT = """
## Valence and arousal: {n} clips of 4Q, artists unheard

Mean over the clip of the mean of the voices' curves, against the clip's label; beside it what a user would
do with YAMNet itself: ridge on its mean embeddings, on the same folds.

{table}

Quadrant by the signs of both, against 4Q's own: accuracy {accuracy:.3f}, macro F1 {f1:.3f} (ridge
{ridge_accuracy:.3f} and {ridge_f1:.3f}). Rows are 4Q's, columns ours:

{confusion}

The spread of the voices is larger where the error is larger: their correlation over clips is
{spread_valence:.2f} in valence and {spread_arousal:.2f} in arousal.

![Valence and arousal]({picture})

The goals set for this bundle were macro F1 .77, R2 .50 in valence and .66 in arousal: {goals}.
The shape of the curves inside a track has been compared with no rating.
"""

TAGGING = """
## Tags: student against teacher, {n} clips, artists unheard

The teacher is the same heads on YAMNet's own embeddings. Correlation of the logits over clips, per tag:
mean {r_mean:.3f}, lowest {r_lowest:.3f}; heads alone, mean: {alone}. ROC-AUC against the tenth of the clips
that the teacher scores highest, mean over the tags: {auc_mean:.3f}. Of the tags that student or teacher,
each by its own thresholds, gives a clip, both give {jaccard:.0%}. The table at the end has every tag.
"""

WORDS = """
## Tags against true words

Does the score of a tag tell 4Q's clips with a mood word of its meaning from those without? The words were
set down before anything was measured. ROC-AUC; mean {students:.3f}, teacher {teacher:.3f}.

{table}
"""

PLACES = """
## Tags against the quadrants of 4Q

Does the score of a tag tell the clips of the quadrants that its word belongs to from the others? ROC-AUC.

{table}
"""

RATES = """
## How many tags

Of the same clips, tags that are on: median {median_tags:g} a clip, at most {most_tags}, {untagged:.1%}
without any; the commonest tag of a set on {highest:.1%} of it; {tags_in_use} tags in use, {different_sets}
different sets of tags.

![Tag rates]({picture})
"""

TEACHER = """
## The tag heads on MTG-Jamendo split-0

On YAMNet's embeddings. Official test split: macro ROC-AUC {test_roc:.3f}, PR-AUC {test_pr:.3f}, and macro F
{f:.3f} with thresholds from validation; on {tracks:,} tracks, {missing} more have no embedding. Validation:
{validation_roc:.3f} and {validation_pr:.3f}. There is no audio of MTG-Jamendo here: the encoder has not
been run on it.
"""

WEAKNESSES = """
## What is weak

- Tags follow labels that uploaders chose; even the best are told from others only moderately well. Scores
  order tracks; as probabilities they hold for no catalogue in particular. Grades say which to trust.
- The tags that follow the teacher least: {worst}.
- 4Q and Emotify are mostly Western popular, electronic and classical music in excerpts of 30 to 60 s, coded
  at 24 kbit/s. Whole tracks, speech, very short or very long sounds and other musics are outside what was
  measured.
- Valence is told far less well than arousal, as in every system that hears the sound alone.
- The level of a track is taken out: that a master is louder than another says nothing here.
- A track is heard in patches of 1.5 s from its beginning: shifted by other than that, patches differ, and so
  do curves, by more than the .02 that was the goal (see how steady they are). Heard every half second it
  would take three times as long.
"""

NOT_FOR = """
## What it must not be used for

- Decisions about persons: what someone listens to says nothing here about how they feel or who they are.
- Claims about ratings: its valence and arousal come from mood words, not from what listeners rated.
- Health, hiring, credit, policing, or advertising aimed at a person's state of mind.
- Commercial use: the sets that it was trained on do not allow it. README says how to train on cleared data.
"""

REBUILD = """
## How to rebuild it

    make train-default DATA=../shared/data    # from nothing; resumed where it was stopped
    make card DATA=../shared/data             # measures again and writes this card and its pictures

`DATA` holds `moods4q/`, `emotify/`, `jamendo/` and `weights/`; `own/`, a folder as `moodscribe train --data
own=` takes it, is learnt from too where it is there. Stages (`--stage`: {stages}) keep their results in
`WORK`.
"""

EVERY_TAG = """
## Every tag

ROC-AUC on the true labels of MTG-Jamendo is the teacher's; the grade is by that on validation and test tracks
together, which no training and no threshold has looked at but for when to stop (validation).

{table}
"""
