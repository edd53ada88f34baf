"""The words of the model card; the figures in braces are filled in from what was measured."""

INTRODUCTION = """
# Moodscribe default bundle {version}

Eight small nets that give a track scores for the 56 mood/theme tags of MTG-Jamendo and curves of valence
and arousal at 2 Hz: five taggers, whose scores are averaged, and three regressors, whose mean is the curve
and whose spread says how much they differ. They are students: they were trained here, from nothing, to say
what a larger teacher says, because the audio at hand has no labels for these tags.

Terms: {terms}
"""

MEMBERS = """
## Members

{table}

Validation r picked the best epoch: for taggers the mean over the tags of the correlation with the teacher's
logits, for regressors the mean correlation of the clips' valence and arousal with labels and with teacher.

![Curves of learning]({picture})
"""

DATA = """
## Data and terms

| set | used for | how much | terms |
|---|---|---|---|
| 4Q (Panda et al., 2018) | audio; valence and arousal | 640 clips of 30 s | research |
| Emotify (Aljanaki et al., 2016) | audio only | 297 excerpts of 60 s | research |
| MTG-Jamendo split-0 (2019) | tags of the teacher | {jamendo:,} tracks | CC BY-NC-SA 4.0 metadata |
| YAMNet (Google; AudioSet) | the teacher's ear, not shipped | one net | Apache-2.0 |

4Q's valence and arousal are not ratings of the clips: they are means of the Warriner norms of the mood words
that AllMusic gives the track. The audio is mono Opus at 24 kbit/s. Of MTG-Jamendo only embeddings of the
tracks and their tags were used, no audio.

| clips | train | validation | test |
|---|---|---|---|
{split}
"""

HOW_TRAINED = """
## How it was trained

Teacher: {nets} nets (1024 -> 384 -> 56, seeds {teacher_seeds}) on the track means of YAMNet's embeddings,
fitted on the official train split, stopped by PR-AUC on validation; their mean is Platt-calibrated on
validation. Valence and arousal: ridge on the clip means, fitted on the train artists of 4Q, its strength
chosen on the validation artists.

Split: 4Q by artist, balanced over the quadrants, Emotify by track, both by a seeded hash (seed {split_seed}).
The test clips were used for the figures below and for no choice; an earlier draft of this bundle was measured
on the same clips.

Taggers: random chunks of the training clips ({short_share:.0%} of the batches of {short_s} s, the others of
20 s), as they are or played 4 to 12.5 % faster or slower, with masks over time and frequency. Target: the
teacher's calibrated probabilities for the same seconds. Loss: squared error of the logits in units of each
tag's deviation, plus cross-entropy. Adam, cosine decay, best validation epoch kept. After Amiriparian et al.
(2019) the CRNNs with LSTM and BiLSTM start from the convolutions of the one with GRU, frozen at first.

Regressors: random sections of 40 to 60 half seconds, each net on its own bootstrap draw of the training
clips. Loss: error of the section's mean against the clip's label, and, with weight {curve_weight}, of every
step against the teacher's curve (its ridge on embeddings smoothed over 3 s). Emotify has the curve only. That
weight was chosen by four folds over the train and validation clips. The steps are varied as other masters and
codecs would leave them (spectral tilt, evenness, less of the fluctuation that Opus at 24 kbit/s adds): a net
trained without heard better coded audio as calmer.
"""

DECISIONS = """
## Decisions

Calibration: {calibration}.

Thresholds: {thresholds}.
"""

TAGGING = """
## Tags: students against the teacher, {n} test clips

Correlation of the logits over clips, per tag: mean {r_mean:.3f}, median {r_median:.3f}; members alone, in
the order above, mean: {alone}. ROC-AUC against the tenth of the clips that the teacher scores highest, mean
over the tags: {auc_mean:.3f}. Of the tags that student or teacher, each by its own thresholds, gives a test
clip, both give {jaccard:.0%}. This is agreement with a teacher, not with people: the clips have no labels for
these tags. The table at the end has every tag.
"""

PLACES = """
## Tags against the quadrants of 4Q

The nearest thing to a label that the clips have: does the score of a tag tell the clips of the quadrants that
its word belongs to from the others? ROC-AUC of students / teacher. Neither the tags of the students nor those
of the teacher were fitted to quadrants, on any split.

{table}

The test part is small and came out easier than the others: read the three columns together. Students above
their teacher are not better listeners: they keep the broad axes of its scores, calm to energetic above all,
lose detail, and quadrants ask for the broad axes only.
"""

AFFECT = """
## Valence and arousal: test artists of 4Q

Mean over the clip of the mean of the three regressors' curves, against the clip's label.

{table}

Mean predicted valence / arousal by quadrant (of the 640, most were trained on):

{quadrants}

![Valence and arousal]({picture})

The shape of the curves inside a track has been compared with no rating: it follows the teacher's.
"""

RATES = """
## How many tags

Median tags of a clip: {test_median:g} on test, {all_median:g} on all; clips without any:
{test_untagged:.1%} on test, {all_untagged:.1%} on all. Highest share of the 640 4Q clips that one tag is on:
{highest_4q:.1%}. Tags in use on them: {tags_in_use_4q} of 56; different sets of tags: {different_sets_4q}.

![Tag rates]({picture})
"""

TEACHER = """
## The teacher, on MTG-Jamendo split-0

Official test split: macro ROC-AUC {test_roc:.3f}, PR-AUC {test_pr:.3f}, and macro F {f:.3f} with thresholds
from validation; on {tracks:,} tracks, {missing} more have no embedding. Validation: {validation_roc:.3f} and
{validation_pr:.3f}. These are the teacher's figures: the bundle's own nets have not been run on MTG-Jamendo.
The mean embedding of the clips correlates {likeness:.2f} with that of the Jamendo tracks: they are other
music, otherwise coded.
"""

WEAKNESSES = """
## What is weak

- The tags are a teacher's opinion learned from under a thousand clips, and the teacher itself ranks tags
  only moderately well. Scores order tracks; as probabilities they hold for no catalogue in particular.
- The tags that follow the teacher least: {worst}.
- 4Q and Emotify are mostly Western popular, electronic and classical music in excerpts of 30 to 60 s. Whole
  tracks, speech, very short or very long sounds and other musics are outside what was measured.
- The test set is small: intervals are wide, and differences between members mean little.
"""

NOT_FOR = """
## What it must not be used for

- Decisions about persons: what someone listens to says nothing here about how they feel or who they are.
- Claims about ratings: its valence and arousal come from mood words, not from what listeners rated.
- Health, hiring, credit, policing, or advertising aimed at a person's state of mind.
- Commercial use: the sets that it was trained on do not allow it.
"""

REBUILD = """
## How to rebuild it

    python -m pipelines.training.default --data DATA --work WORK --output models/bundles/default

`DATA` holds `moods4q/`, `emotify/`, `jamendo/` and `weights/`. The stages (`--stage` prepare, teacher,
members, regressors, calibrate, write) keep their results in `WORK` and resume after a stop; `write` alone
writes this card anew. Needs the `train` extra.
"""

EVERY_TAG = """
## Every tag

{table}
"""
