"""Text that callers send."""

from typing import Annotated

from pydantic import StringConstraints

# An unconstrained `str` would take half of a surrogate pair, which no database or hash does.
Text = Annotated[str, StringConstraints(min_length=1)]
