"""Files that hold keys or state are whole, whatever happens while they are written."""
import pytest

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_files import replace_file


def test_a_file_is_replaced_as_a_whole_and_is_for_nobody_else(tmp_path):
    file = tmp_path / "data" / "file.json"
    for text in ("old", "nëw"):
        replace_file(file, text)
        assert file.read_text(encoding="utf-8") == text
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_cannot_be_replaced_stays_and_leaves_nothing_beside_it(tmp_path):
    folder = tmp_path / "a folder where the file should be"
    folder.mkdir()
    (folder / "file").touch()
    with pytest.raises(OSError):
        replace_file(folder, "text")
    assert list(tmp_path.iterdir()) == [folder] and [path.name for path in folder.iterdir()] == ["file"]
