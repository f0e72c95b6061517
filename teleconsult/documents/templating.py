"""Where the templates of a note are found, for its pages and for what is drawn on them."""

from functools import cache

import jinja2


@cache
def note_templates() -> jinja2.Environment:
    """Escapes what it is given, and knows no name that it was not given."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("teleconsult.documents"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
