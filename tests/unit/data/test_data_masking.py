from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu_stages.data.folding import fold
from bongsu_stages.data.normalising import normalise
from bongsu_stages.data.personal import PLACEHOLDERS, mask
from bongsu_stages.data.personal_kinds import DEFAULT_KINDS, Kind

DATES = st.dates(datetime.date(1900, 1, 1), datetime.date(2099, 12, 31))
DIGITS = "0123456789"
AROUND = st.text("가나다 법률은\n을,.()", max_size=12)


def kinds(text: str) -> list[Kind]:
    return [found.kind for found in mask(text)[1]]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("주민등록번호 900101-1234567이다", Kind.RESIDENT),
        ("번호는 9001011234568", Kind.RESIDENT),
        ("９００１０１－１２３４５６７", Kind.RESIDENT),
        ("외국인 971013-9019902", None),  # the century digit 9 is of people born before 1900
        ("외국인등록번호 971013-5019902", Kind.RESIDENT),
        ("여권번호 M12345678", Kind.PASSPORT),
        ("여권 M123A4567", Kind.PASSPORT),
        ("면허 11-12-345678-90", Kind.DRIVER),
        ("경기 12-345678-90 면허", Kind.DRIVER),
        ("군번 12-76012345", Kind.SERVICE),
        ("군번: 09-12345 대위", Kind.SERVICE),
        ("hong.gd+a@mnd.go.kr로 보낸다", Kind.EMAIL),
        ("hong(at)example.com", Kind.EMAIL),
        ("휴대폰 010-1234-5678", Kind.PHONE),
        ("01012345678", Kind.PHONE),
        ("(02) 748-1234", Kind.PHONE),
        ("031-123-4567", Kind.PHONE),
        ("+82-10-1234-5678", Kind.PHONE),
        ("군선 748-1234", Kind.PHONE),
        ("국민은행 123456-04-123456", Kind.ACCOUNT),
        ("신한 110-123-456789", Kind.ACCOUNT),
        ("1002123456789 (우리은행)", Kind.ACCOUNT),
        # Written as people do, and as those do who do not want it to be found.
        ("900101ㅡ1234568", Kind.RESIDENT),
        ("900101ー1234568", Kind.RESIDENT),
        ("900101·1234568", Kind.RESIDENT),
        ("900101_1234568", Kind.RESIDENT),
        ("②⓪0101-1234568", Kind.RESIDENT),
        ("주민번호 900101.1234560", Kind.RESIDENT),
        ("주민등록번호 90-01-01-1234560", Kind.RESIDENT),
        ("주민등록번호 9 0 0 1 0 1 - 1 2 3 4 5 6 0", Kind.RESIDENT),
        ("주민등록번호: 900101-9234567", Kind.RESIDENT),
        ("주민등록번호 900101-\n1234560", Kind.RESIDENT),
        ("주민등록번호\n9001011234560", Kind.RESIDENT),
        ("900101--1234568", Kind.RESIDENT),
        ("900101,1234568", Kind.RESIDENT),
        ("900101:1234568", Kind.RESIDENT),
        ("900101-1 234568", Kind.RESIDENT),
        ("900101&#45;1234568", Kind.RESIDENT),
        ("900101&#x2D;1234560", Kind.RESIDENT),
        ("900101%2D1234560", Kind.RESIDENT),
        ("010&#45;1234&#45;5678", Kind.PHONE),
        ("a&#64;b.kr", Kind.EMAIL),
        ("a&commat;b.kr", Kind.EMAIL),
        ("a%40b.kr", Kind.EMAIL),
        ("여권번호: Ｍ 12345678", Kind.PASSPORT),
        ("여권 PM1234567", Kind.PASSPORT),
        ("운전면허 11 12 345678 90", Kind.DRIVER),
        ("면허번호 111234567890", Kind.DRIVER),
        ("군번: 12 76012345", Kind.SERVICE),
        ("service number: 12-76012345", Kind.SERVICE),
        ("계좌번호: 110-234-567890\n주소: 서울", Kind.ACCOUNT),
        ("우리은행 1002-123-456789 조성민", Kind.ACCOUNT),
        ("우리은행 1002-123-456789 원미경", Kind.ACCOUNT),
        ("우리은행 1002-123-456789 명의: 김", Kind.ACCOUNT),
        ("우리은행 1002-123-456789 주식회사 한빛", Kind.ACCOUNT),
        ("군번 12-345678 일병 김철수", Kind.SERVICE),
        ("연락처: 123-4567 주소 서울", Kind.PHONE),
        ("면허번호 11 12 345678 90\n주소", Kind.DRIVER),
        ("3-800101-1234567", Kind.RESIDENT),
        ("군번\n12-76012345", Kind.SERVICE),
        ("군번 12-\n76012345", Kind.SERVICE),
        ("소령 홍길동 09-12345", Kind.SERVICE),
        ("병장 김철수(12-76012345)", Kind.SERVICE),
        ("12-76012345 병장 김철수", Kind.SERVICE),
        ("hong @ mnd.go.kr", Kind.EMAIL),
        ("hong＠ｍｎｄ.ｇｏ.ｋｒ", Kind.EMAIL),
        ("hong[at]mnd[dot]go[dot]kr", Kind.EMAIL),
        ("hong@mnd dot go dot kr", Kind.EMAIL),
        ("홍길동@mnd.go.kr", Kind.EMAIL),
        ("hong@국방.한국", Kind.EMAIL),
        ("０１０－１２３４－５６７８", Kind.PHONE),
        ("０１０１２３４５６７８", Kind.PHONE),
        ("(010)1234-5678", Kind.PHONE),
        ("010/1234/5678", Kind.PHONE),
        ("010·1234·5678", Kind.PHONE),
        ("010ㅡ1234ㅡ5678", Kind.PHONE),
        ("010-12345678", Kind.PHONE),
        ("010-1234-\n5678", Kind.PHONE),
        ("＋82 10 1234 5678", Kind.PHONE),
        ("+82-010-1234-5678", Kind.PHONE),
        ("(+82)10-1234-5678", Kind.PHONE),
        ("+82(0)10-1234-5678", Kind.PHONE),
        ("0082-10-1234-5678", Kind.PHONE),
        ("82-10-1234-5678", Kind.PHONE),
        ("전화 821012345678", Kind.PHONE),
        ("전화: 0317481234", Kind.PHONE),
        ("TEL. 748 1234", Kind.PHONE),
        ("연락처\n\n02) 748 - 6350", Kind.PHONE),
        ("계좌번호\n110-123-456789", Kind.ACCOUNT),
        ("국민은행 123456 04 123456", Kind.ACCOUNT),
        ("계좌번호는 3333 01 1234567", Kind.ACCOUNT),
        ("신한은행　１１０－１２３－４５６７８９", Kind.ACCOUNT),
        ("010--1234--5678", Kind.PHONE),
        ("전화 02-1234567", Kind.PHONE),
        ("연락처 (02)1234567", Kind.PHONE),
        ("Tel: 02 1234567", Kind.PHONE),
        ("홍길동 상병(24-71012345)", Kind.SERVICE),
        ("병장 24-71012345 홍길동", Kind.SERVICE),
        ("24-71012345 김철수 상병", Kind.SERVICE),
        ("상병 김 철수 24-71012345", Kind.SERVICE),
        ("주민번호 19900101-1234567", Kind.RESIDENT),
        ("민증 9001011234567", Kind.RESIDENT),
        ("입금계좌 : 국민 123456 01 123456", Kind.ACCOUNT),
        ("110-123-456789 (신한)", Kind.ACCOUNT),
        ("010——1234——5678", Kind.PHONE),
        ("02--748--1234", Kind.PHONE),
        ("0101234 5678", Kind.PHONE),
        ("0101234-5678", Kind.PHONE),
        ("050-1234-5678", Kind.PHONE),
        ("0505-123-4567", Kind.PHONE),
        ('"kim lee"@army.mil.kr', Kind.EMAIL),
        ("“kim lee”@army.mil.kr", Kind.EMAIL),
        ("&quot;kim lee&quot;&#64;army.mil.kr", Kind.EMAIL),
        ("900101.1234568", Kind.RESIDENT),
        ("900101/1234568", Kind.RESIDENT),
        ("sc제일 123-20-123456", Kind.ACCOUNT),
        ("SC 제일: 123-20-123456", Kind.ACCOUNT),
        ("토스 1000-1234-5678", Kind.ACCOUNT),
        ("카카오 3333-01-1234567", Kind.ACCOUNT),
        ("제일은행 123-20-123456", Kind.ACCOUNT),
        ("SC은행 123-20-123456", Kind.ACCOUNT),
        ("SC은행 123 20 123456", Kind.ACCOUNT),
    ],
)
def test_personal_data_is_found(text: str, kind: Kind | None) -> None:
    assert kinds(text) == ([kind] if kind else [])


@pytest.mark.parametrize(
    "text",
    [
        "제10조제2항에 따라 2010. 11. 12. 공포한다",
        "대통령령 제22467호, 2010-11-12 일부개정",
        "1,234,567,890원을 국민은행에 예치한다",
        "은행 1234567890123원",
        "은행 1234567890123원을 예치",
        "은행은 12345678901234 달러의 채권",
        "한국은행 공고 제2010-123456호",
        "의안번호 1809890",
        "1592-1598년의 전쟁",
        "기간은 2010-01-01 ~ 2010-12-31",
        "국민은행 2010-11-12-01 보고",
        "3.14159265358979",
        "ISBN 978-89-1234-567-8",
        "M12345678 모델",
        "12-76012345",
        "991399-1234567",  # no such month
        "9001011234567",  # wrong check digit and no dash
        "1234-900101-1234567",  # a part of a longer number
        "192.168.100.1234",
        "900101.1234567",  # a decimal number: wrong check digit
        "좌표는 900101.1234560과 37.5665350이다",
        "1,900101.1234568",  # a part of a longer number
        "901301.1234568",  # no such month
        "제일 2010-2015-0001 문서",
        "점수가 제일 높은 123-20-123456 과제",
        "토스트 1000-1234-5678 규격",
        "011231 1530에 관측",  # a date and a time of day
        "010930 1530",
        "0101234\n5678",  # two cells of a table
        "010123 45678",
        "0101234 56789",
        "버전 0.10.1234 5678",
        "판 3.0.101234.5678",
        "주소 10.0.0.1, 192.168.0.254:8080",
        "2010--2012년",
        "옵션 --010 --1234",
        "도로교통법 제50조-1234-5678",
        "단가 050,000원, 050-12-345",
        '그는 "가자"@ 하고 외쳤다',
        '"값"@3.5',
        '"kim lee" @army는 계정이다',
        "「형법」 제250조제1항, 제1234조의5678",
        "가격 1,000,100.1234567",
        "전화사업은 1998 2003년에",
        "군번 제도는 1950 1955년 사이에 바뀌었다",
        "면허세 111234567890원",
        "은행 100 200 3000",
        "입금 2010. 11. 12. 13시",
        "지역주민 201012-0000000",
        "소장 홍길동 2010-11-12",
        "제1·2·3호 및 제10~12조",
        "법률 제10339호, 2010. 6. 4. 개정 제2조제3항제1호의2",
        "연락처\n부서는 다음과 같다: 1234-5678",
        "단가 @ 1,000원",
        "900101,1234567",  # wrong check digit
        "900101:1234567",
        "991399--1234567",
        "991399-1 234567",
        "900101&#46;1234567",
        "할인율 40%40명",
        "토지대장 12-34567",
        "전화 상담 02건",
        "주민증 2024년 12월 31일",
        "2019-2023 (국민연금)",
    ],
)
def test_what_is_no_personal_data_stays(text: str) -> None:
    assert mask(text) == (text, [])


def test_business_numbers_are_masked_only_when_asked_for() -> None:
    text = "사업자 123-45-67890"
    assert mask(text) == (text, [])
    assert mask(text, [Kind.BUSINESS])[0] == "사업자 [사업자등록번호]"


def test_the_earlier_kind_wins_and_nothing_overlaps() -> None:
    text, found = mask("계좌 900101-1234567, 은행 02-748-1234")
    assert [one.kind for one in found] == [Kind.RESIDENT, Kind.PHONE]
    assert text == "계좌 [주민등록번호], 은행 [전화번호]"


def test_one_value_written_differently_has_one_plain_form() -> None:
    _, found = mask("010-1234-5678 / 01012345678 / +82 10 1234 5678 / ０１０-1234-5678")
    assert {one.value for one in found} == {"01012345678"}
    _, found = mask("+82-010-1234-5678 / 0082 10 1234 5678 / +82(0)10-1234-5678 / (010)1234/5678 / 82-10-1234-5678")
    assert [one.value for one in found] == ["01012345678"] * 5
    _, found = mask("010--1234--5678 / 0101234 5678")
    assert [one.value for one in found] == ["01012345678"] * 2
    _, found = mask("a@b.kr, A＠B.KR, a (at) b [dot] kr, a @ b.kr")
    assert [one.value for one in found] == ["a@b.kr"] * 4


@pytest.mark.parametrize("selector", ["\ufe00", "\ufe0e", "\ufe0f", "\ufe0f\ufe0f"])
@pytest.mark.parametrize("text", ["900101-1234568", "01012345678", "010-1234-5678", "900101－1234568"])
def test_variation_selectors_inside_of_numbers_hide_nothing(text: str, selector: str) -> None:
    hidden = normalise(selector.join(text))
    assert selector not in hidden
    assert len(kinds(hidden)) == 1
    assert normalise("\u2764\ufe0f 1\ufe0f\u20e3") == "\u2764\ufe0f 1\ufe0f\u20e3"


def test_escaped_forms_have_the_plain_form_of_the_others() -> None:
    _, found = mask("a@b.kr, a&#64;b.kr, a%40b.kr")
    assert [one.value for one in found] == ["a@b.kr"] * 3
    _, found = mask("900101-1234568 900101&#45;1234568 900101--1234568 900101-1 234568")
    assert [one.value for one in found] == ["9001011234568"] * 4


@given(DATES, st.text(DIGITS, min_size=6, max_size=6), AROUND, AROUND)
def test_every_resident_number_with_a_dash_is_masked(born: datetime.date, rest: str, left: str, right: str) -> None:
    century = "1" if born.year < 2000 else "3"
    number = f"{born:%y%m%d}-{century}{rest}"
    text, found = mask(left.rstrip(",.") + number + right.lstrip(",."))
    assert number not in text
    assert [one.kind for one in found] == [Kind.RESIDENT]


@given(
    st.sampled_from(["010", "011", "016", "019"]), st.from_regex(r"[0-9]{4}[-. ][0-9]{4}", fullmatch=True), AROUND
)
def test_every_mobile_number_is_masked(prefix: str, rest: str, around: str) -> None:
    text, found = mask(f"{around} {prefix}-{rest} {around}")
    assert rest not in text
    assert [one.kind for one in found] == [Kind.PHONE]


@given(DATES, st.sampled_from(["%Y-%m-%d", "%Y. %m. %d.", "%Y.%m.%d", "%Y%m%d", "%Y년 %m월 %d일"]), AROUND)
def test_dates_are_never_masked(day: datetime.date, form: str, around: str) -> None:
    for words in ("", "은행 ", "전화 ", "계좌 "):
        text = f"{around}{words}{day.strftime(form)}{around}"
        assert mask(text)[0] == text


@given(st.integers(0, 10**14), st.integers(1, 999), st.integers(1, 9), AROUND)
def test_amounts_and_articles_are_never_masked(amount: int, article: int, part: int, around: str) -> None:
    text = f"{around}제{article}조의{part} 제{part}항 {amount:,}원 은행 {amount:,}달러{around}"
    assert mask(text)[0] == text


PIECES = st.sampled_from(
    [
        "900101-1234567",
        "010-1234-5678",
        "a@b.kr",
        "계좌 110-123-456789",
        "군번 12-76012345",
        "가나다",
        " ",
        "\n",
        "2010-11-12",
    ]
)


@given(st.lists(PIECES, max_size=12), st.sets(st.sampled_from(list(DEFAULT_KINDS))))
def test_offsets_point_at_placeholders_and_the_rest_is_unchanged(pieces: list[str], wanted: set[Kind]) -> None:
    original = "".join(pieces)
    text, found = mask(original, wanted)
    rebuilt, at, place = [], 0, 0
    for one in found:
        assert text.startswith(PLACEHOLDERS[one.kind], one.offset)
        rebuilt.append(text[place : one.offset])
        at += one.offset - place
        assert original[at - (one.offset - place) : at] == text[place : one.offset]
        at += one.length
        place = one.offset + len(PLACEHOLDERS[one.kind])
    assert original[at:] == text[place:]


@given(st.text(st.sampled_from("01289-. ()가은행계좌전화군번@akr\n"), max_size=60))
def test_masked_text_holds_nothing_more_to_mask_of_what_was_found(text: str) -> None:
    masked, found = mask(text)
    assert len(masked) == len(text) - sum(one.length - len(PLACEHOLDERS[one.kind]) for one in found)


HYPHENS = st.sampled_from("-‐‑‒–—―−－ㅡー─")
SCRIPTS = st.sampled_from(["0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "⓪①②③④⑤⑥⑦⑧⑨"])


@given(DATES, st.text(DIGITS, min_size=6, max_size=6), HYPHENS, SCRIPTS, st.sampled_from(["", " ", "\n"]))
def test_a_resident_number_is_found_in_every_script_and_with_every_hyphen(
    born: datetime.date, rest: str, hyphen: str, digits: str, gap: str
) -> None:
    number = f"{born:%y%m%d}{gap}{hyphen}{gap}{'1' if born.year < 2000 else '3'}{rest}"
    written = number.translate(str.maketrans(DIGITS, digits))
    text, found = mask(f"홍길동 {written} 귀하")
    assert [(one.kind, one.value, one.length) for one in found] == [
        (Kind.RESIDENT, number.replace(hyphen, "").replace(gap, ""), len(written))
    ]
    assert text == "홍길동 [주민등록번호] 귀하"


@given(st.text(max_size=80))
def test_folding_keeps_every_place(text: str) -> None:
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)
    assert fold(text.encode("ascii", "ignore").decode()) == text.encode("ascii", "ignore").decode()


@given(
    st.sampled_from(["은행법", "전화", "면허", "여권법", "주민등록법", "군번", "계좌", "연락처"]),
    st.sampled_from(["", "\n", "\n\n", ": "]),
    st.integers(1, 9999),
    st.dates(datetime.date(1948, 7, 17), datetime.date(2030, 12, 31)),
)
def test_law_text_stays_even_beside_the_words_of_personal_data(
    word: str, gap: str, number: int, day: datetime.date
) -> None:
    for tail in (
        f"제{number}조제{number % 9 + 1}항",
        f"{day:%Y. %m. %d.} 법률 제{number}호",
        f"제{day.year}-{number}호",
        f"{day.year}-{day.year + 3}년",
        f"{number},000,000원",
        f"{number}명 ({number % 100}.{number % 10}%)",
    ):
        text = f"{word}{gap}{tail}"
        assert mask(text) == (text, [])
