"""Say in the metadata of a PDF that it holds a Factur-X invoice, and keep what it conforms to besides."""

import io

import pikepdf

from billow.core.errors import ensure

NAMESPACE = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
PROPERTIES = {
    "DocumentFileName": "The name of the embedded XML document",
    "DocumentType": "The type of the hybrid document",
    "Version": "The version of the standard",
    "ConformanceLevel": "The profile of the standard",
}
SCHEMA = (
    '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>'
    f"<pdfaSchema:namespaceURI>{NAMESPACE}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
    "<pdfaSchema:property><rdf:Seq>"
    + "".join(
        f'<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name>'
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType>"
        "<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{text}</pdfaProperty:description></rdf:li>"
        for name, text in PROPERTIES.items()
    )
    + "</rdf:Seq></pdfaSchema:property></rdf:li>"
)
SAID = (
    f'<rdf:Description rdf:about="" xmlns:fx="{NAMESPACE}"><fx:DocumentType>INVOICE</fx:DocumentType>'
    "<fx:DocumentFileName>factur-x.xml</fx:DocumentFileName><fx:Version>1.0</fx:Version>"
    "<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel></rdf:Description>"
)
BEGINS, ENDS = "<pdfaExtension:schemas><rdf:Bag>", "</rdf:RDF>"


def stamped(pdf: bytes) -> bytes:
    """Return the file with the metadata of Factur-X; the same file gives the same bytes.

    The metadata stay uncompressed, as validators of PDF/A want them.
    """
    with pikepdf.open(io.BytesIO(pdf)) as file:
        found = file.Root.Metadata.read_bytes().decode()
        ensure(BEGINS in found and ENDS in found, "The metadata have a place for an extension schema.")
        said = found.replace(BEGINS, BEGINS + SCHEMA, 1).replace(ENDS, SAID + ENDS, 1)
        stream = file.make_stream(said.encode())
        stream.Type, stream.Subtype = pikepdf.Name.Metadata, pikepdf.Name.XML
        file.Root.Metadata = stream
        written = io.BytesIO()
        file.save(written, deterministic_id=True, fix_metadata_version=False)
        return written.getvalue()
