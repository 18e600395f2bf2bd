"""The templates: what CloudFormation accepts, and what a person who fills them in sees."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.templates import DATA, EVENTS, FOLDER, SERVICE, load

MAX_BYTES: Final = 51_200  # of a template that is part of the request, not in a bucket

each = pytest.mark.parametrize("path", [DATA, SERVICE, EVENTS], ids=lambda path: path.stem)


@each
def test_template_fits_into_a_request(path: Path) -> None:
    """A template needs no bucket."""
    assert path.stat().st_size < MAX_BYTES


@each
def test_every_parameter_is_described_bounded_and_grouped(path: Path) -> None:
    """Each parameter has a description, values that it takes, and a place in one group."""
    template = load(path)
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]

    assert sorted(grouped) == sorted(template["Parameters"])
    for name, parameter in template["Parameters"].items():
        assert parameter["Description"], name
        assert parameter.keys() & {"AllowedPattern", "AllowedValues", "MaxValue"}, name
        assert "AllowedPattern" not in parameter or parameter["ConstraintDescription"], name


@each
def test_every_default_is_allowed(path: Path) -> None:
    """A parameter that is left out does not make the stack fail."""
    for name, parameter in load(path)["Parameters"].items():
        default = parameter.get("Default")
        if default is None:
            continue
        if "AllowedPattern" in parameter:
            assert re.fullmatch(parameter["AllowedPattern"], default), name
        elif "AllowedValues" in parameter:
            assert default in parameter["AllowedValues"], name
        else:
            assert parameter["MinValue"] <= default <= parameter["MaxValue"], name


@each
def test_every_output_is_described(path: Path) -> None:
    """Each output says what it is."""
    assert all(output["Description"] for output in load(path)["Outputs"].values())


def test_outputs_of_the_data_are_parameters_of_the_others() -> None:
    """What the first stack returns has the name under which another takes it; deploy.sh knows them."""
    outputs = load(DATA)["Outputs"].keys() - {"NextCommand"}
    script = (FOLDER.parent / "deploy.sh").read_text(encoding="utf-8")
    (handed_on,) = re.findall(r'^data_outputs="(.*)"$', script, re.MULTILINE)

    taken = load(SERVICE)["Parameters"].keys() | load(EVENTS)["Parameters"].keys()
    assert outputs - taken == set()
    assert outputs == set(handed_on.split())
