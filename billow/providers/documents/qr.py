"""Draw a QR code as SVG."""

import io

import segno


def svg(text: str) -> str:
    """Return the code of a text in UTF-8 with error correction M, as EPC069-12 asks for, with its quiet zone.

    The size is left to whoever shows it.
    """
    code = segno.make(text, error="m", mode="byte", encoding="utf-8", micro=False, boost_error=False)
    drawn = io.BytesIO()
    code.save(drawn, kind="svg", omitsize=True, xmldecl=False, nl=False, border=4)
    return drawn.getvalue().decode()
