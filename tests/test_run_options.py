"""Options of a run are Beam's: as many views as asked for, one set of values."""

from __future__ import annotations

import copy

from apache_beam.options.pipeline_options import (
    DirectOptions,
    GoogleCloudOptions,
    PipelineOptions,
    TypeOptions,
)

from pipelines.running.run_options import RunOptions

GIVEN = ["--direct_num_workers", "3", "--no_pipeline_type_check"]


def test_they_have_the_values_that_beams_own_have() -> None:
    ours, beams = RunOptions(GIVEN), PipelineOptions(GIVEN)
    for view in (DirectOptions, TypeOptions, GoogleCloudOptions):
        assert vars(ours.view_as(view)._visible_options) == vars(beams.view_as(view)._visible_options)
    assert ours.get_all_options() == beams.get_all_options()
    assert ours.view_as(DirectOptions).direct_num_workers == 3
    assert not ours.view_as(TypeOptions).pipeline_type_check


def test_a_view_is_made_once_and_what_is_set_in_it_holds_for_all() -> None:
    options = RunOptions(GIVEN)
    assert options.view_as(DirectOptions) is options.view_as(DirectOptions)
    options.view_as(DirectOptions).direct_num_workers = 5
    assert options.view_as(TypeOptions).view_as(DirectOptions).direct_num_workers == 5
    assert options.get_all_options()["direct_num_workers"] == 5


def test_a_copy_goes_its_own_way() -> None:
    options = RunOptions(GIVEN)
    options.view_as(DirectOptions)
    other = copy.deepcopy(options)
    other.view_as(DirectOptions).direct_num_workers = 7
    assert options.view_as(DirectOptions).direct_num_workers == 3


def test_whom_it_impersonates_stays_out_of_what_is_handed_on() -> None:
    options = RunOptions(["--impersonate_service_account", "tagger@ours.example"])
    assert options.view_as(GoogleCloudOptions).impersonate_service_account
    assert "tagger@ours.example" not in repr(options.__getstate__()["_all_options"])
    assert "_views" not in options.__getstate__()
