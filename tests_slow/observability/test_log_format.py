"""A line of the log is valid JSON of bounded length for any generated event."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.observability.log_format import MAX_BYTES, rendered

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
)


@settings(max_examples=100)
@given(st.dictionaries(st.text(st.characters(), max_size=9), ANYTHING, max_size=4))
def test_any_event_is_one_valid_line(fields: dict[str, Any]) -> None:
    """The line is printable ASCII, JSON, and within the limit."""
    line = rendered(fields, repr)

    assert line.isascii()
    assert "\n" not in line
    assert len(line) < MAX_BYTES
    json.loads(line)
