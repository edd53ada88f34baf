"""Section `bundles` of the results page."""

from __future__ import annotations

from pipelines.reproduce.stages import Found, Section, Table


def section(found: Found) -> Section:
    """What every bundle of published size wrote, and what it took."""
    rows = found["rows"]
    return Section(
        "Every system in the main job, at published size",
        (
            f"""
`moodscribe tag --bundle` on {found["clips"]} clips of 30 s of 4Q, one worker process, TensorFlow with all
cores. The nets have the published sizes and seeded random weights, VGG16 too, so that the tables' values mean
nothing here; every clip has to be tagged, and every table there. The seconds are all of the command, its
start of about ten included. The deep LSTM's descriptors come from openSMILE, pictures go through VGG16.
""",
            Table(
                ("bundle", "nets", "parameters", "tagged", "rows by table", "seconds"),
                tuple(
                    (
                        title,
                        str(row["nets"]),
                        f"{row['parameters']:,}",
                        f"{row['tagged']} of {found['clips']}",
                        ", ".join(
                            f"{name} {count}" for name, count in row["tables"].items() if name != "tracks"
                        ),
                        f"{row['seconds']:.0f}",
                    )
                    for title, row in rows.items()
                ),
            ),
        ),
    )
