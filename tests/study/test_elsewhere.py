from pathlib import Path

import pytest

from tagsearch.errors import StudyError
from tagsearch.study.elsewhere import check_means_the_same_elsewhere

STUDY = "study: mine\nfactors: {loss: [bce, focal]}\n"


def check(folder: Path, text: str, *overrides: str, profile: str | None = None) -> None:
    (folder / "mine.yaml").write_text(text)
    check_means_the_same_elsewhere(folder / "mine.yaml", overrides=overrides, profile=profile)


def test_a_study_without_paths_and_profiles_means_the_same_everywhere(tmp_path: Path) -> None:
    check(tmp_path, STUDY)


def test_an_absolute_path_means_the_same_everywhere(tmp_path: Path) -> None:
    check(tmp_path, STUDY, "data.corpus=mtat", "data.path=/mnt/MagnaTagATune")


@pytest.mark.parametrize("path", ["MagnaTagATune", "~/MagnaTagATune", "../MagnaTagATune"])
def test_a_path_that_depends_on_machine_or_folder_is_refused_with_its_line(tmp_path: Path, path: str) -> None:
    with pytest.raises(StudyError, match=r"mine\.yaml:3: data\.path '.*MagnaTagATune' is looked up on the cluster"):
        check(tmp_path, STUDY + f"data: {{corpus: mtat, path: {path}}}\n")


def test_a_path_of_the_profile_counts(tmp_path: Path) -> None:
    text = STUDY + "profiles:\n  gpu: {data: {corpus: mtat, path: music}}\n  cpu: {epochs: 3}\n"
    check(tmp_path, text, profile="cpu")
    with pytest.raises(StudyError, match=r"mine\.yaml:4: data\.path 'music'"):
        check(tmp_path, text, profile="gpu")


def test_the_profile_is_chosen_by_hand_where_there_is_a_choice(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"mine\.yaml:3: .*choose the profile: --profile cpu or --profile gpu"):
        check(tmp_path, STUDY + "profiles: {cpu: {epochs: 3}, gpu: {epochs: 9}}\n")
