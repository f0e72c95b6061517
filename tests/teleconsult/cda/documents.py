"""A small CDA R2 document, as a hospital's record system writes one."""

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
  <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
  <id root="1.2.250.1.213.1.1.1.13" extension="d-1"/>
  <code code="11490-0" codeSystem="2.16.840.1.113883.6.1" displayName="Discharge summary"/>
  <title>Lettre de <b>sortie</b></title>
  <effectiveTime value="202603011415+0100"/>
  <languageCode code="fr-FR"/>
  <recordTarget><patientRole>
    <id root="1.2.250.1.213.1.4.8" extension="275036322074926"/>
    <id root="1.2.3.4.5" extension="A-1"/>
    <patient>
      <name><given>Rose Marie</given><given qualifier="BR">Rose</given>
        <family qualifier="SP">Roy</family><family qualifier="BR">Bélanger</family></name>
      <administrativeGenderCode code="F"/><birthTime value="19510314"/>
    </patient>
  </patientRole></recordTarget>
  <author><time value="20260301"/><assignedAuthor><id root="1.2"/>
    <assignedPerson><name><prefix>Dr</prefix><given>Paul</given><family>Girard</family></name></assignedPerson>
    <representedOrganization><name>CHU de la Capitale</name></representedOrganization>
  </assignedAuthor></author>
  <custodian><assignedCustodian><representedCustodianOrganization><name>CHU</name>
  </representedCustodianOrganization></assignedCustodian></custodian>
"""

STRUCTURED = """<component><structuredBody>
  <component><section><title>Histoire</title>
    <text>Venue pour céphalées.<br/>Depuis trois semaines.
      <paragraph>Pas de <content styleCode="Bold">fièvre</content>.</paragraph>
      <list><item>Apixaban</item><item>Métoprolol &lt;50 mg&gt;</item></list>
      <table><caption>Tension</caption><thead><tr><th>Heure</th><th>mmHg</th></tr></thead>
        <tbody><tr><td>10 h</td><td>180/95</td></tr></tbody></table>
    </text>
    <component><section><title>Antécédents</title><text><paragraph>Aucun</paragraph></text></section></component>
  </section></component>
</structuredBody></component></ClinicalDocument>"""

ATTACHED = (
    '<component><nonXMLBody><text mediaType="application/pdf" representation="B64">JVBE\nRi0=</text>'
    "</nonXMLBody></component></ClinicalDocument>"
)
