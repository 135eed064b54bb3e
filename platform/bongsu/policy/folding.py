"""Letters as a reader sees them: look-alikes, styled letters, loose jamo and Hanja become plain Latin and Hangul."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

# Shapes, not sounds (Unicode UTS 39 calls them confusables); the pairs people use.
_LOOKALIKES = dict(
    zip(
        "аеорсухіјѕԁԛԝһкмтпгвнАВЕЗІЈКМНОРСТУХЅԌԚԜҮ"
        + "αβεικνορτυχωηγΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"
        + "ացեօոսհԱՏՍՕ"
        + "ᎪᏴᏟᎠᎬᏀᎻᎥᎫᏦᏞᎷᏃᎾᏢᏒᎡᏚᎢᏙᎳᏃ"
        + "ꓮꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑꓣꓢꓔꓴꓦꓪꓫꓬꓜ",
        "aeopcyxijsdqwhkmtnrbhABESIJKMHOPCTYXSGQWY"
        + "abeiknoptuxwnyABEZHIKMNOPTYX"
        + "wgeonuhUSUO"
        + "ABCDEGHiJKLMZOPRRSTVWZ"
        + "ABCDEFGHIJKLMNOPRSTUVWXYZ",
        strict=True,
    )
)
# Sino-Korean readings of the characters that write what the screen looks for (traditional, simplified, Japanese).
_HANJA = dict(
    pair.split(":")
    for pair in (
        "殺:살 杀:살 傷:상 伤:상 射:사 害:해 標:표 标:표 的:적 目:목 攻:공 擊:격 击:격 撃:격 打:타 交:교 戰:전 战:전 戦:전"
        " 自:자 律:율 動:동 动:동 無:무 无:무 人:인 選:선 选:선 定:정 擇:택 別:별 發:발 发:발 発:발 武:무 器:기 兵:병 暗:암"
        " 除:제 去:거 敵:적 敌:적 間:간 间:간 介:개 入:입 承:승 認:인 认:인 滅:멸 灭:멸 殲:섬 歼:섬 激:격 爆:폭 砲:포 炮:포"
        " 墜:추 坠:추 破:파 壞:괴 坏:괴 壊:괴 力:력 化:화 獲:획 获:획 得:득 機:기 机:기 械:계 追:추 跡:적 決:결 决:결 判:판"
        " 斷:단 断:단 統:통 统:통 制:제 監:감 监:감 督:독 軍:군 军:군 狙:저 處:처 处:처 斬:참 迎:요 要:요 員:원 员:원 群:군"
        " 集:집 指:지 體:체 体:체 系:계 式:식 識:식 识:식 對:대 对:대 象:상"
    ).split()
)
_NAMED_LETTER = re.compile(
    r"LATIN (?:SMALL |CAPITAL )?LETTER (?:[A-Z]{2,} )*([A-Z])(?: WITH .*)?$|SYMBOL LETTER ([A-Z])$"
)
_INITIALS = "ᄡᄀᄁᄂᄃᄄᄅᄆᄇᄈᄉᄊᄋᄌᄍᄎᄏᄐᄑᄒ"
_AS_FINAL = str.maketrans("ᄡᄀᄁᄂᄃᄅᄆᄇᄉᄊᄋᄌᄎᄏᄐᄑᄒ", "ᆹᆨᆩᆫᆮᆯᆷᆸᆺᆻᆼᆽᆾᆿᇀᇁᇂ")
# An initial behind a vowel, and no vowel behind it, closes the syllable: keyboards have one key for both.
_LOOSE_FINAL = re.compile(rf"(?<=[\u1161-\u1175])[{_INITIALS}](?![\u1161-\u1175])")


def fold(text: str) -> str:
    """``text`` with nothing invisible, composed Hangul and plain Latin letters; case is kept."""
    if text.isascii():
        return text
    compatible = unicodedata.normalize("NFKC", text)
    apart = unicodedata.normalize("NFD", "".join(map(_plain, compatible)))
    bare = "".join(c for c in apart if not unicodedata.category(c).startswith("M"))
    closed = _LOOSE_FINAL.sub(lambda match: match[0].translate(_AS_FINAL), bare)
    return unicodedata.normalize("NFC", closed)


@cache
def _plain(character: str) -> str:
    """One character as it is read; nothing if it cannot be seen."""
    if character.isascii() or "가" <= character <= "힣":
        return character
    if unicodedata.category(character) == "Cf" or character in "\u115f\u1160\u3164\uffa0":
        return ""
    if character == "\u2800":
        return " "
    # Small letters of scripts whose capitals alone look like Latin ones (Cherokee) are small capitals.
    known = _LOOKALIKES.get(character) or _HANJA.get(character) or _LOOKALIKES.get(character.upper())
    if known:
        return known
    named = _NAMED_LETTER.search(unicodedata.name(character, ""))
    return (named[1] or named[2]).lower() if named else character
