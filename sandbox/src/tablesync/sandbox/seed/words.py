"""Names and words in many scripts, from which the seeded records are made."""

FIRST_NAMES = (
    "Ada", "Björn", "Chloé", "Đorđe", "Élodie", "Fatima", "Gül", "Håkon", "İpek", "José",
    "Krzysztof", "Łucja", "María", "Nguyễn", "Øyvind", "Péter", "Renée", "Siân", "Þóra", "Zoë",
    "Алексей", "Ольга", "Γιώργος", "Ελένη", "דוד", "שרה", "محمد", "ليلى", "فاطمه", "अनन्या",
    "राहुल", "அருண்", "ณัฐพล", "田中", "さくら", "伟", "李娜", "민준", "서연", "გიორგი", "Աննա", "ሰላም",
)  # fmt: skip
LAST_NAMES = (
    "Lindqvist", "O'Brien", "García Márquez", "Müller-Lüdenscheidt", "Çelik", "Nowak", "Østergård",
    "D’Angelo", "van der Berg", "Šimić", "Petrov", "Иванова", "Παπαδόπουλος", "כהן", "العربي",
    "حسینی", "शर्मा", "முருகன்", "ศรีสุข", "健太", "花子", "王", "陈", "김", "이", "ბერიძე",
    "Պետրոսյան", "ተስፋዬ", "Nguyễn Phúc", "Ó Súilleabháin", "Smith", "“Quote” Jones", "Null",
)  # fmt: skip
CITIES = (
    "Berlin", "São Paulo", "Kraków", "İstanbul", "Αθήνα", "Москва", "القاهرة", "תל אביב", "मुंबई",
    "東京", "서울", "北京", "Zürich", "Reykjavík", "Hà Nội", "กรุงเทพฯ", "Tromsø", "Québec",
)  # fmt: skip
COUNTRIES = (
    "Germany", "Brazil", "Poland", "Türkiye", "Greece", "Egypt", "Israel", "India", "Japan",
    "South Korea", "China", "Switzerland", "Iceland", "Viet Nam", "Thailand", "Norway", "Canada",
)  # fmt: skip
JOB_TITLES = (
    "Head of Growth 🚀", "CTO", "Buyer", "Ingénieure", "Geschäftsführerin", "営業部長", "Analyst",
    "Accountant", "Founder & CEO", "Office manager", "Дизайнер", "مدير المشتريات",
)  # fmt: skip
COMPANY_WORDS = (
    "Acme", "Blåbær", "Crème", "Delta", "Éclair", "Fjord", "Globex", "Hösl", "Initech", "日本",
    "Ключ", "Ωmega", "شمس", "Umbra", "Vértice", "Zenith", "🚲 Wheels", "O’Connor",
)  # fmt: skip
COMPANY_KINDS = (
    "GmbH", "Ltd", "AG", "S.A.", "Inc.", "& Søn", "株式会社", "ООО", "Oy", "BV", "Kft.", "LLC",
)  # fmt: skip
SENTENCES = (
    "Asked for a call back next week. ☎️",
    "Met at the fair; likes the reporting. 👍🏽",
    "Le client préfère être contacté par e-mail.",
    "Möchte ein Angebot bis Freitag.",
    "見積もりを送付済み。",
    "Просит скидку 10 %.",
    "يفضل التواصل صباحا.",
    "Tabs\tand \"quotes\" and a back\\slash belong to the text.",
    "Budget approved 🎉 — waiting for legal.",
    "Family emoji 👩‍👩‍👧‍👦, flag 🇪🇺, combining é, zero width joiner‍ all survive.",
)  # fmt: skip
