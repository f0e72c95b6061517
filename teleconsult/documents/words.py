"""The words printed on a document, in the document's own language, which need not be the reader's.

A document outlives every screen, so its words are data beside the template and not the pages' catalogue.
A language that lacks a word does not type-check.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NoteWords:
    """Every fixed word of a consult note. `%(…)s` names what is filled in; `locale` writes its dates."""

    locale: str
    title: str
    consult: str
    written_advice: str
    session: str
    meeting: str
    members_present: str
    quorum_reached: str
    quorum_missed: str
    session_times: str
    patient: str
    born_on: str
    unknown_birth_date: str
    genders: Mapping[str, str]
    provisional: str
    not_for_patient: str
    not_for_guardians: str
    to: str
    answered_by: str
    asked_on: str
    question: str
    findings: str
    opinion: str
    plan: str
    medicines: str
    follow_up: str
    images: str
    key_images: str
    image_number: str
    window: str
    measures: Mapping[str, str]
    mean: str
    at_detector: str
    units: Mapping[str, str]
    sides: str
    """For DICOM's R, L, A, P, H and F."""
    specialties: Mapping[str, str]
    local_number: str
    image_count: str
    one_image: str
    signed_by: str
    registration: str
    signed_on: str
    unsigned: str
    draft: str
    verify: str
    replaces: str
    """`%(date)s` and `%(id)s` of the document before."""
    appends: str
    document: str
    page_of: str


ENGLISH = NoteWords(
    locale="en_GB",
    title="Specialist consult note",
    consult="Consult no. %(number)s",
    written_advice="Written advice",
    session="Teleconsultation",
    meeting="Team meeting",
    members_present="Members present: %(names)s",
    quorum_reached="Quorum of %(n)d members: reached",
    quorum_missed="Quorum of %(n)d members: not reached",
    session_times="Teleconsultation on %(day)s, from %(start)s to %(end)s",
    patient="Patient",
    born_on="born on %(date)s",
    unknown_birth_date="date of birth unknown",
    genders={"male": "male", "female": "female", "other": "other", "unknown": "sex unknown"},
    provisional="Provisional identity, not yet confirmed",
    not_for_patient="The patient must not see this note yet: somebody has to tell them first.",
    not_for_guardians="The patient's legal representatives must not see this note.",
    to="To",
    answered_by="Answered by",
    asked_on="of %(date)s",
    question="Question",
    findings="Findings",
    opinion="Opinion",
    plan="Plan",
    medicines="Medicines",
    follow_up="Follow-up",
    images="Images received with the request",
    key_images="Key images",
    image_number="image %(number)s",
    window="width %(width)s, centre %(center)s",
    measures={"length": "Length", "angle": "Angle", "area": "Area"},
    mean="mean",
    at_detector="at the detector",
    units={"mm": "mm", "mm2": "mm²", "px": "px", "px2": "px²", "deg": "°", "HU": "HU"},
    sides="R L A P H F",
    specialties={
        "neurology": "Neurology",
        "trauma": "Traumatology",
        "cardiology": "Cardiology",
        "dermatology": "Dermatology",
        "paediatrics": "Paediatrics",
        "general": "General medicine",
    },
    local_number="Patient no. %(number)s",
    image_count="%(n)s images",
    one_image="1 image",
    signed_by="Signed electronically by",
    registration="Registration no. %(number)s",
    signed_on="on %(moment)s",
    unsigned="Not signed yet",
    draft="Draft: not to be used for care",
    verify="The electronic signature in this file is the original. Check it at %(address)s: "
    "any change made after signing shows there.",
    replaces="Cancels and replaces the document of %(date)s (%(id)s)",
    appends="Addendum to the document of %(date)s (%(id)s)",
    document="Document %(id)s",
    page_of="Page %(page)s of %(pages)s",
)

FRENCH = NoteWords(
    locale="fr_FR",
    title="Compte rendu d’avis spécialisé",
    consult="Demande n°\u00a0%(number)s",
    written_advice="Avis écrit",
    session="Téléconsultation",
    meeting="Réunion de concertation pluridisciplinaire",
    members_present="Membres présents : %(names)s",
    quorum_reached="Quorum de %(n)d membres : atteint",
    quorum_missed="Quorum de %(n)d membres : non atteint",
    session_times="Téléconsultation du %(day)s, de %(start)s à %(end)s",
    patient="Patient",
    born_on="né(e) le %(date)s",
    unknown_birth_date="date de naissance inconnue",
    genders={"male": "masculin", "female": "féminin", "other": "autre", "unknown": "sexe inconnu"},
    provisional="Identité provisoire, non confirmée à ce jour",
    not_for_patient="Le patient ne doit pas encore voir ce compte rendu : quelqu’un doit d’abord lui parler.",
    not_for_guardians="Les représentants légaux du patient ne doivent pas voir ce compte rendu.",
    to="À l’attention de",
    answered_by="Avis rendu par",
    asked_on="du %(date)s",
    question="Question",
    findings="Constatations",
    opinion="Avis",
    plan="Conduite à tenir",
    medicines="Médicaments",
    follow_up="Suivi",
    images="Images reçues avec la demande",
    key_images="Images clés",
    image_number="image %(number)s",
    window="largeur %(width)s, centre %(center)s",
    measures={"length": "Longueur", "angle": "Angle", "area": "Surface"},
    mean="moyenne",
    at_detector="au détecteur",
    units={"mm": "mm", "mm2": "mm²", "px": "px", "px2": "px²", "deg": "°", "HU": "UH"},
    sides="D G A P S I",
    specialties={
        "neurology": "Neurologie",
        "trauma": "Traumatologie",
        "cardiology": "Cardiologie",
        "dermatology": "Dermatologie",
        "paediatrics": "Pédiatrie",
        "general": "Médecine générale",
    },
    local_number="N°\u00a0de dossier %(number)s",
    image_count="%(n)s images",
    one_image="1 image",
    signed_by="Signé électroniquement par",
    registration="N°\u00a0d’inscription %(number)s",
    signed_on="le %(moment)s",
    unsigned="Pas encore signé",
    draft="Brouillon\u00a0: ne pas utiliser pour les soins",
    verify="La signature électronique contenue dans ce fichier fait foi. Vérifiez-la sur %(address)s\u00a0: "
    "toute modification postérieure à la signature y est signalée.",
    replaces="Annule et remplace le document du %(date)s (%(id)s)",
    appends="Complément au document du %(date)s (%(id)s)",
    document="Document %(id)s",
    page_of="Page %(page)s sur %(pages)s",
)

VIETNAMESE = NoteWords(
    locale="vi_VN",
    title="Biên bản hội chẩn chuyên khoa",
    consult="Yêu cầu số %(number)s",
    written_advice="Ý kiến bằng văn bản",
    session="Hội chẩn từ xa",
    meeting="Hội chẩn nhóm",
    members_present="Thành viên có mặt: %(names)s",
    quorum_reached="Số thành viên tối thiểu %(n)d: đủ",
    quorum_missed="Số thành viên tối thiểu %(n)d: chưa đủ",
    session_times="Hội chẩn từ xa ngày %(day)s, từ %(start)s đến %(end)s",
    patient="Bệnh nhân",
    born_on="sinh ngày %(date)s",
    unknown_birth_date="không rõ ngày sinh",
    genders={"male": "nam", "female": "nữ", "other": "khác", "unknown": "không rõ giới tính"},
    provisional="Danh tính tạm thời, chưa được xác nhận",
    not_for_patient="Bệnh nhân chưa được xem biên bản này: phải có người nói với họ trước.",
    not_for_guardians="Người đại diện hợp pháp của bệnh nhân không được xem biên bản này.",
    to="Kính gửi",
    answered_by="Người trả lời",
    asked_on="ngày %(date)s",
    question="Câu hỏi",
    findings="Nhận xét",
    opinion="Ý kiến chuyên khoa",
    plan="Hướng xử trí",
    medicines="Thuốc",
    follow_up="Theo dõi",
    images="Hình ảnh kèm theo yêu cầu",
    key_images="Hình ảnh chính",
    image_number="ảnh %(number)s",
    window="độ rộng %(width)s, tâm %(center)s",
    measures={"length": "Độ dài", "angle": "Góc", "area": "Diện tích"},
    mean="trung bình",
    at_detector="tại đầu dò",
    units={"mm": "mm", "mm2": "mm²", "px": "px", "px2": "px²", "deg": "°", "HU": "HU"},
    sides="P T Tr S Đ C",
    specialties={
        "neurology": "Thần kinh",
        "trauma": "Chấn thương",
        "cardiology": "Tim mạch",
        "dermatology": "Da liễu",
        "paediatrics": "Nhi khoa",
        "general": "Đa khoa",
    },
    local_number="Số hồ sơ %(number)s",
    image_count="%(n)s ảnh",
    one_image="1 ảnh",
    signed_by="Ký điện tử bởi",
    registration="Số chứng chỉ hành nghề %(number)s",
    signed_on="ngày %(moment)s",
    unsigned="Chưa ký",
    draft="Bản nháp: không dùng để điều trị",
    verify="Chữ ký điện tử trong tệp này là bản gốc. Kiểm tra tại %(address)s: "
    "mọi thay đổi sau khi ký đều được phát hiện.",
    replaces="Hủy và thay thế tài liệu ngày %(date)s (%(id)s)",
    appends="Bổ sung cho tài liệu ngày %(date)s (%(id)s)",
    document="Tài liệu %(id)s",
    page_of="Trang %(page)s / %(pages)s",
)

NOTE_WORDS: Mapping[str, NoteWords] = {"en": ENGLISH, "fr": FRENCH, "vi": VIETNAMESE}
