"""The fields of a profile: valid values and their stored form."""

from datetime import UTC, datetime

import pytest
from marshmallow import ValidationError, fields, post_load, pre_load, validate, validates_schema

from service.api.schemas.profile_fields.calendar_date import Birthdate
from service.api.schemas.profile_fields.text import CanonicalText, Line
from service.api.schemas.profiles import ProfileSchema
from service.domain.values.json_values import JsonValue

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"  # one emoji of three, with joiners
NEW_YEAR = "2026-01-01"

KEPT: dict[str, list[JsonValue]] = {
    "displayName": [
        "Ásha Ráo 😀",
        "x" * 128,
        "😀" * 128,
        "क्षि\u200d",  # a joiner, which Indic scripts need
        FAMILY,
        "O'Brien-Smith, Jr.",
        "\u200fאשה",  # a bidirectional mark
        "\U0001fae9",  # an emoji of Unicode 16, unassigned to an older one
        "\ue000",  # private use
    ],
    "givenName": ["X", "محمد", "Nguyễn"],
    "familyName": ["van der Berg", "李"],
    "nickname": ["ash", "<b>"],
    "bio": [
        "two\nlines\tand a tab\n",
        "  indented",
        "\u2068isolated\u2069",
        "x" * 4_096,
    ],
    "company": ["Example Ltd", "x" * 256],
    "jobTitle": ["Cartographer"],
    "street": ["1 Marine Drive", "1 Marine Drive\nFlat 2"],
    "city": ["Mumbai", "Llanfairpwllgwyngyll", "São Paulo"],
    "region": ["Maharashtra"],
    "postalCode": ["400001", "SW1A 1AA", "x" * 32],
    "email": [
        "asha.rao+x@example.co.in",
        "Asha.Rao@example.com",
        "आशा@उदाहरण.भारत",
        "a@b.test",
        "x" * 64 + "@example.com",
    ],
    "phoneNumber": ["+912212345678", "+15551234567", "+80012345678", "+390612345678"],
    "birthdate": ["2000-02-29", "1900-01-01", "1990-12-31"],
    "picture": [
        "https://example.com/a.jpg?x=1",
        "https://example.com/a%20b.jpg",
        "https://my_bucket.s3.amazonaws.com/a.jpg",
    ],
    "website": [
        "http://example.com",
        "HTTPS://Example.COM:8443/a/../b?q=[]&r=:@#part",
        "https://example.com./",
        "https://bücher.example/straße?q=ü",
        "https://xn--bcher-kva.example",
        "https://[2001:db8::1]:8080/",
        "http://192.0.2.1/",
        "http://192.0.513/",
        "http://0xC0.0.0x2.01",
        "http://3221225985./",
        "http://\uff11\uff19\uff12.0.2.1/",
        "https://stackadapt_public.s3.amazonaws.com/a.png",
        "https://_a.example.com",
        "https://ab--cd.example.com/",
        "https://-a-.example.com",
        "https://xn--a.example.com",
        "https://localhost:8443",
        "https://example.com:/",
        "https://[::1]:",
        "https://example.com:0008443/",
        "https://i❤.ws/",
        f"https://{FAMILY}.ws",
        "https://\U0001fae9.example",  # of Unicode 16
        "https://faß.de",
        "https://\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.com",
        "https://1.\u064a",
        "https://a\u00adb.example",
        "https://ＥＸＡＭＰＬＥ．com",  # noqa: RUF001 -- full-width letters
        "https://example\u3002com",
        "https://%65xample.com",
        "https://%F0%9F%92%A9.la",
        "https://\uff05\uff14\uff11.example",  # %41 when it is mapped
        "https://medium.com/@asha",
        "https://example.com?q",
        "https://example.com#a",
        "https://example.com/" + "x" * 2_028,
    ],
    "country": [
        "India",
        "IN",
        "IND",
        "Russia",
        "Russian Federation",
        "Korea, Republic of",
        "Republic of Korea",
        "South Korea",
        "Côte d'Ivoire",
        "Côte d’Ivoire",  # noqa: RUF001 -- CLDR's spelling
        "United Kingdom",
        "United States",
        "Vietnam",
    ],
    "locale": [
        "en",
        "en-IN",
        "zh-Hant-TW",
        "zh-yue-HK",
        "es-419",
        "sl-rozaj-biske",
        "de-1901",
        "ca-valencia",
        "en-u-ca-gregory-t-de",
        "en-x-private-a",
        "qaa-Qaaa-QM",
        "iw",
    ],
    "timezone": [
        "Asia/Kolkata",
        "Asia/Calcutta",
        "America/Argentina/Buenos_Aires",
        "UTC",
        "Etc/GMT+5",
    ],
    "preferences": [{}, {"theme": "dark", "list": [1, None, {"a": 1.5}]}],
}
CANONICAL: list[tuple[str, str, str]] = [
    ("displayName", "A\u0301sha", "Ásha"),
    ("displayName", "\u0958" * 64, "\u0915\u093c" * 64),  # NFC decomposes it
    ("displayName", "e\u0301" * 128, "é" * 128),
    ("city", "\u212bngstr\u00f6m", "Ångström"),
    ("bio", "two\r\nlines\rand more", "two\nlines\nand more"),
    ("street", "1 Marine Drive\r\nFlat 2", "1 Marine Drive\nFlat 2"),
    ("email", "Asha@EXAMPLE.com", "Asha@example.com"),
    ("email", "asha@Bücher.Example", "asha@bücher.example"),
    ("email", "asha@xn--bcher-kva.example", "asha@bücher.example"),
    ("email", "e\u0301@example.com", "é@example.com"),
    ("phoneNumber", "+91 22 1234-5678", "+912212345678"),
    ("phoneNumber", "+44 (0)20 7946 0958", "+442079460958"),
    ("phoneNumber", "+1 (555) 123.4567", "+15551234567"),
    ("phoneNumber", "\u202a+91\u00a022\u202f1234\u20115678\u202c", "+912212345678"),
    ("phoneNumber", "\u200e+91 2212\u00ad345678\u200f", "+912212345678"),
    ("phoneNumber", "\ufeff+91 \u2013 22\u200b1234\u22125678", "+912212345678"),
    ("phoneNumber", "\uff0b\uff19\uff11\uff0822\uff0912345678", "+912212345678"),
    ("phoneNumber", "+\u0669\u0661 2212345678", "+912212345678"),
    ("phoneNumber", " +91 22/12345678\u2003", "+912212345678"),
    ("website", "https://bu\u0308cher.example", "https://bücher.example"),
    ("country", "india", "India"),
    ("country", "in", "IN"),
    ("country", "ind", "IND"),
    ("country", "Cote d'Ivoire", "Côte d'Ivoire"),
    ("country", "The Gambia", "Gambia"),
    ("country", "TURKIYE", "Türkiye"),
    ("country", "trinidad & tobago", "Trinidad and Tobago"),
    ("country", "St Lucia", "Saint Lucia"),
    ("country", "UK", "United Kingdom"),
    ("country", "Korea, South", "South Korea"),
    ("country", "Bahamas, The", "Bahamas"),
    ("country", "Hellas", "Greece"),
    ("country", "u.k.", "United Kingdom"),
    ("country", "Great Britain", "United Kingdom"),
    ("country", "U.S.A.", "USA"),
    ("country", "Ivory Coast", "Côte d’Ivoire"),  # noqa: RUF001 -- CLDR's spelling
    ("country", "the czech republic", "Czechia"),
    ("country", "Burma", "Myanmar (Burma)"),
    ("country", "Swaziland", "Eswatini"),
    ("country", "Macedonia", "North Macedonia"),
    ("country", "Holland", "Netherlands"),
    ("country", "Bosnia-Herzegovina", "Bosnia & Herzegovina"),
    ("locale", "en-us", "en-US"),
    ("locale", "en_us", "en-US"),
    ("locale", "en_US.UTF-8", "en-US"),
    ("locale", "zh_CN.gb18030", "zh-CN"),
    ("locale", "zh_Hans_CN", "zh-Hans-CN"),
    ("locale", "ES_419", "es-419"),
    ("locale", "de_CH-1996", "de-CH-1996"),
    ("locale", "ZH-HANT-tw", "zh-Hant-TW"),
    ("locale", "DE-LATN-1901-U-CO-PHONEBK", "de-Latn-1901-u-co-phonebk"),
    ("locale", "en-X-ab-LATN", "en-x-ab-latn"),
    ("locale", "SR-cyrl-RS-EKAVSK", "sr-Cyrl-RS-ekavsk"),
]
NOT_IN_A_LINE = [
    "two\nlines",
    "a\tb",
    "a\r",
    "\u0000",
    "a\u001bb",
    "a\u007f",
    "a\u0085b",
    "a\u2028b",
    "a\u2029b",
    "\u202egnp.exe",
    "\u2066a\u2069",
    "a\ufffe",
    "a\ufdd0b",
    "\U0010ffff",
    "\ud800",
    " Asha",
    "Asha ",
    "Asha\u00a0",
    "\u3000Asha",
    "   ",
    "",
    "\u200b",
    "\u3164",
    "\u0301",
]
REFUSED: dict[str, list[JsonValue]] = {
    "displayName": [*NOT_IN_A_LINE, "x" * 129, "\u0958" * 65, 12, 1.5, True, ["Asha"], {}],
    "city": ["two\nlines", 12, True, ["Mumbai"], "x" * 257],
    "postalCode": [400001, "x" * 33],
    "bio": ["x" * 4_097, "a\u0000b", "a\u001bb", "\n \t", "\ufffe", "\udc00", "", 1],
    "street": ["x" * 257, "a\u0000b"],
    "email": [
        "nobody",
        "",
        "a@localhost",
        "a@test",
        "a@b@example.com",
        "a b@example.com",
        "Asha <asha@example.com>",
        '"a b"@example.com',
        "a@[192.0.2.1]",
        "a@192.0.2.1",
        "a..b@example.com",
        ".a@example.com",
        "a@-example.com",
        "a@ex_ample.com",
        "a@example.com\n",
        "a\u202e@example.com",
        "a\ud800@example.com",
        "x" * 65 + "@example.com",
        "x" * 243 + "@example.com",
        5,
    ],
    "phoneNumber": [
        "022 1234 5678",
        "912212345678",
        "+0912212345678",
        "+91221234567890123",
        "+912212345678\n",
        "+91\t2212345678",
        "+91    2212345678",
        "\u202a\u202c",
        "+123",
        "+999123456789",
        "+375005150881073",  # after two trunk prefixes
        "+1 800 FLOWERS",
        "+912212345678 ext. 5",
        "tel:+912212345678",
        "+",
        "",
        912212345678,
    ],
    "birthdate": [
        "2001-02-29",
        "20010101",
        "2001-1-1",
        "2001-W01-1",
        "2001-01-01T00:00:00",
        "0000-12-31",
        "1899-12-31",
        "9999-12-31",
        "1990",
        "",
        20010101,
        "\u0662\u0660\u0660\u0661-\u0660\u0661-\u0660\u0661",
    ],
    "picture": ["javascript:alert(1)", "ftp://example.com/a.jpg", "data:image/png;base64,AA", 1],
    "website": [
        "",
        "example.com",
        "//example.com",
        "https://",
        "https:///path",
        "https:example.com",
        "https://user@example.com",
        "https://user:secret@example.com",
        "https://exa mple.com",
        "https://example.com/a b",
        "https://example.com/\n",
        " https://example.com",
        "https://example.com\\@example.org",
        "https://example.com/\u202egpj.exe",
        "https://example.com/\U0001fffe",
        "https://example.com/%zz",
        "https://example.com/<script>",
        "https://a..example.com",
        "https://a..",
        "https://example.-com",
        "https://a!b.example",
        "https://a\uff01b.example",
        "https://a\u2100.example",  # a/c
        "https://a%2fb.example",
        "https://a%00.example",
        "https://%ff.example",
        "https://\u0301a.example",
        "https://\u064aa.example",  # both directions in a label
        "https://" + "a" * 64 + ".com",
        "https://" + "ü" * 60 + ".com",
        "https://" + "ü" * 300,
        "https://" + "ü" * 2_000,
        "https://" + "a." * 127 + "com",
        "https://example.com:0",
        "https://example.com:00000000",
        "https://example.com:" + "1" * 2_000,
        "https://example.com:65536",
        "https://example.com:http",
        "https://[::1",
        "https://[::g]",
        "https://[1.2.3.4]",
        "https://[fe80::1%25eth0]/",
        "http://999.1.1.1/",
        "http://1.2.3.4.5/",
        "http://256.1/",
        "http://08.1/",
        "http://4294967296/",
        "http://a.1/",
        "https://example.com/" + "x" * 2_029,
    ],
    "country": [
        "Atlantis",
        "Samoa (American)",
        "XX",
        "EN",
        "England",
        "Korea",
        "356",
        "",
        "In dia",
        " India",
        "India\n",
        "x" * 65,
        356,
    ],
    "locale": [
        "english please",
        "en_",
        "en__IN",
        "en_UK",
        "en-",
        "-en",
        "en--IN",
        "",
        "zz",
        "root",
        "chinese",
        "en-UK",
        "en-Abcd",
        "zh-abc",
        "en-abcdef",
        "en-IN-Latn",
        "de-1901-1901",
        "de-1901-AUSTRIA-austria",
        "en-u-ca-a-bb-u-cu",
        "en-u",
        "en-x",
        "x-private",
        "i-klingon",
        "en-GB-oed",
        "e\u0144",
        "en-\uff29\uff2e",
        "en-" + "-".join(["abcd"] * 10),
        "en\n",
        1,
    ],
    "timezone": [
        "Bombay",
        "asia/kolkata",
        "../etc/passwd",
        "/etc/localtime",
        "posixrules",
        "posix/UTC",
        "right/UTC",
        "localtime",
        "Factory",
        "UTC+5",
        "+05:30",
        "UTC\n",
        "",
        5.5,
    ],
    "preferences": ["dark", [], 1, {"a": "\u0000"}],
}


def _cases(table: dict[str, list[JsonValue]]) -> list[tuple[str, JsonValue]]:
    return [(field, value) for field, values in table.items() for value in values]


def _id(part: object) -> str:
    return ascii(part)[:40]


@pytest.fixture(scope="module")
def schema() -> ProfileSchema:
    """Return the service's own schema."""
    return ProfileSchema()


@pytest.mark.parametrize(("field", "value"), _cases(KEPT), ids=_id)
def test_fit_value_is_taken_as_it_is(schema: ProfileSchema, field: str, value: JsonValue) -> None:
    """A valid value is unchanged."""
    assert schema.load({field: value}) == {field: value}


@pytest.mark.parametrize(("field", "value", "kept"), CANONICAL, ids=_id)
def test_value_is_kept_in_its_canonical_form(
    schema: ProfileSchema, field: str, value: str, kept: str
) -> None:
    """A value with a canonical form is converted to it, and the form itself is unchanged."""
    assert schema.load({field: value}) == {field: kept}
    assert schema.load({field: kept}) == {field: kept}


def test_every_field_has_cases(schema: ProfileSchema) -> None:
    """Every field has a case in these tables."""
    assert {field.data_key for field in schema.fields.values()} == set(KEPT)


@pytest.mark.parametrize("field", [field.data_key for field in ProfileSchema().fields.values()])
def test_null_is_taken_for_every_field(schema: ProfileSchema, field: str) -> None:
    """Null is valid for every field."""
    assert schema.load({field: None}) == {field: None}


@pytest.mark.parametrize("name", [name for name in KEPT if name != "preferences"])
def test_nothing_becomes_a_text(schema: ProfileSchema, name: str) -> None:
    """A value that is not a string is refused by text fields."""
    others: tuple[object, ...] = (0, 1.5, False, [], {}, b"Asha")
    for value in others:
        with pytest.raises(ValidationError):
            schema.load({name: value})


@pytest.mark.parametrize(("field", "value"), _cases(REFUSED), ids=_id)
def test_unfit_value_is_refused_by_name(
    schema: ProfileSchema, field: str, value: JsonValue
) -> None:
    """An invalid value is refused with the field's name."""
    with pytest.raises(ValidationError) as refused:
        schema.load({field: value})

    assert list(refused.value.messages_dict) == [field]


@pytest.mark.parametrize("field", KEPT)
def test_refusal_does_not_repeat_the_value(schema: ProfileSchema, field: str) -> None:
    """A refused value is not in the response or in the log."""
    with pytest.raises(ValidationError) as refused:
        schema.load({field: "s3cr3t\u0000"})

    assert "s3cr3t" not in str(refused.value.messages_dict)


def test_every_wrong_field_is_named(schema: ProfileSchema) -> None:
    """One response names all invalid fields."""
    wrong = {"city": 1, "country": "Atlantis", "locale": "zz", "version": 2, "shoeSize": 43}

    with pytest.raises(ValidationError) as refused:
        schema.load({**wrong, "displayName": "Asha"})

    assert set(refused.value.messages_dict) == set(wrong)


@pytest.mark.parametrize(
    ("now", "taken"),
    [
        (datetime(2026, 1, 1, 0, 0, tzinfo=UTC), True),
        (datetime(2025, 12, 31, 10, 0, tzinfo=UTC), True),  # it is already the next day in Kiribati
        (datetime(2025, 12, 31, 9, 59, tzinfo=UTC), False),
    ],
    ids=str,
)
def test_birthdate_may_be_what_is_today_anywhere(now: datetime, *, taken: bool) -> None:
    """A birthdate may be today in the earliest time zone, and not later."""
    field = Birthdate(now=lambda: now)

    if taken:
        assert field.deserialize(NEW_YEAR) == NEW_YEAR
    else:
        with pytest.raises(ValidationError, match="to today"):
            field.deserialize(NEW_YEAR)


class _Member(ProfileSchema):
    """A deployment's schema with fields of this service and of marshmallow."""

    member_name = Line("Asha", longest=8, metadata={"description": "As on the card."})
    member_since = fields.Date(allow_none=True)
    card = Line(data_key="card-no")
    tier = Line(validate=validate.OneOf(["gold"]))


def test_deployment_uses_the_kinds_of_field() -> None:
    """A subclass's own fields have the same rules, and may have more."""
    schema = _Member()

    assert schema.load({"memberName": "A\u0301", "card-no": "7", "tier": "gold"}) == {
        "memberName": "Á",
        "card-no": "7",
        "tier": "gold",
    }
    for wrong in ({"memberName": "x" * 9}, {"memberName": " x"}, {"tier": "tin"}):
        with pytest.raises(ValidationError):
            schema.load(wrong)


def test_canonical_text_must_be_implemented() -> None:
    """CanonicalText without `canonical` raises NotImplementedError."""
    with pytest.raises(NotImplementedError):
        CanonicalText().deserialize("Asha")


class _Required(ProfileSchema):
    shoe_size = fields.Integer(required=True)


class _Defaulted(ProfileSchema):
    shoe_size = fields.Integer(load_default=43)


class _Attributed(ProfileSchema):
    shoe_size = fields.Integer(attribute="size")


class _Prepared(ProfileSchema):
    @pre_load
    def _strip(self, data: dict[str, str], **_: object) -> dict[str, str]:
        return {name: value.strip() for name, value in data.items()}


class _Checked(ProfileSchema):
    @validates_schema
    def _check(self, data: dict[str, str], **_: object) -> None:
        if len(data) == 1:
            raise ValidationError("Too few.", "city")


class _Completed(ProfileSchema):
    @post_load
    def _complete(self, data: dict[str, str], **_: object) -> dict[str, str]:
        return {**data, "country": "India"}


@pytest.mark.parametrize(
    ("schema", "loaded"),
    [
        (_Defaulted, {"city": "Pune", "shoeSize": 43}),
        (_Attributed, {"city": "Pune"}),
        (_Prepared, {"city": "Pune"}),
        (_Completed, {"city": "Pune", "country": "India"}),
    ],
)
def test_default_or_hook_of_a_deployment_has_its_effect(
    schema: type[ProfileSchema], loaded: dict[str, JsonValue]
) -> None:
    """What marshmallow does for absent fields and for whole objects, it does for a profile."""
    city = " Pune" if schema is _Prepared else "Pune"

    assert schema().load({"city": city}) == loaded


@pytest.mark.parametrize(
    ("schema", "refusal"),
    [
        (_Required, {"shoeSize": ["Missing data for required field."]}),
        (_Checked, {"city": ["Too few."]}),
    ],
)
def test_requirement_or_check_of_a_deployment_has_its_effect(
    schema: type[ProfileSchema], refusal: dict[str, list[str]]
) -> None:
    """An absent field and a whole object are refused as marshmallow refuses them."""
    with pytest.raises(ValidationError) as refused:
        schema().load({"city": "Pune"})

    assert refused.value.messages_dict == refusal


@pytest.mark.parametrize("name", ["createdAt", "updatedAt", "userId", "version"])
def test_system_field_is_refused_in_every_schema(name: str) -> None:
    """A deployment's field with the name of a system field cannot be written."""
    schema = ProfileSchema.from_dict({"own": fields.String(data_key=name)})()

    with pytest.raises(ValidationError) as refused:
        schema.load({name: "x"})

    assert list(refused.value.messages_dict) == [name]
