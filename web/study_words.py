"""What DICOM writes for machines, as people write it: names, titles, and what a study holds."""

from teleconsult.imaging.queries import Contents
from web.i18n import ngettext


def written(text: str) -> str:
    """A name or a title without the signs between its parts (PS3.5 §6.2.1.1): "DOE^JOHN", "HEAD^WITHOUT".

    Of a name that is told in several scripts, the first that says something.
    """
    told = next((part for part in text.split("=") if part.strip(" ^")), "") if "^" in text else text
    return " ".join(told.replace("^", " ").split())


def contents_in_words(contents: Contents) -> list[str]:
    """Series and images, then what is neither a series nor an image to a doctor; kinds that there are."""
    images = contents.images
    kinds = (
        (images and contents.series, ngettext("%(num)s series", "%(num)s series", contents.series)),
        (images, ngettext("%(num)s image", "%(num)s images", images)),
        (contents.photographs, ngettext("%(num)s photograph", "%(num)s photographs", contents.photographs)),
        (contents.videos, ngettext("%(num)s video", "%(num)s videos", contents.videos)),
        (contents.documents, ngettext("%(num)s document", "%(num)s documents", contents.documents)),
    )
    return [words for count, words in kinds if count]
