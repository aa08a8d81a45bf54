# ruff: noqa: RUF001  # answers in many scripts
import re
import string
from typing import get_args

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from demoscope.responses import answer_phrases
from demoscope.responses.read_text import Reading, compile_scale, read_text
from demoscope.schema import AnswerStatus, InvalidReason

LETTERS = tuple(string.ascii_uppercase)


def lettered(*options):
    return LETTERS[: len(options)], options


def unlabelled(*options):
    return options, options


def numbered(*options):
    return tuple(str(i + 1) for i in range(len(options))), options


AGREE = lettered("Agree strongly", "Agree", "Neither agree nor disagree", "Disagree", "Disagree strongly")
BARE = lettered("Agree", "Disagree")
WORDS = unlabelled("Very important", "Rather important", "Not very important", "Not at all important")
PREFIXES = lettered("Not at all", "Not at all important", "Important")
YES = lettered("Yes", "No")
KNOW = lettered("Yes", "No", "Don't know", "No answer")
DOWN = (tuple(str(i) for i in range(10, 0, -1)), ("Not at all", *(f"step {i}" for i in range(9, 1, -1)), "Very"))
ENDS = unlabelled("1 (Very)", *(str(i) for i in range(2, 10)), "10 (Not at all)")
UP = numbered(
    *("Never", "Once", "Twice", "Three times", "Four times", "Five times", "Six times", "Often", "Daily", "On")
)
TEN = lettered(
    *(f"option of rank {name}" for name in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")),
    "A lot",
)
COUNTS = numbered("0", "1", "2")
SIGNS = lettered("< 5", "> 5", "5%")
LONG = lettered(
    "Most people can be trusted most of the time",
    "You need to be very careful in dealing with people",
    "You need to know people first",
)
GERMAN = lettered("Stimme zu", "Weder noch", "Stimme nicht zu")
FRENCH = lettered("Tout à fait d'accord", "D'accord", "Pas d'accord")
SPANISH = lettered("Muy de acuerdo", "De acuerdo", "En desacuerdo")
PORTUGUESE = lettered("Concordo", "Não concordo nem discordo", "Discordo")
RUSSIAN = lettered("Полностью согласен", "Согласен", "Не согласен")
GREEK = lettered("Συμφωνώ", "Ούτε συμφωνώ ούτε διαφωνώ", "Διαφωνώ")
TURKISH = lettered("Katılıyorum", "Kararsızım", "Katılmıyorum")
ARABIC = (("١", "٢", "٣"), ("أوافق بشدة", "أوافق", "لا أوافق"))
HEBREW = lettered("מסכים", "לא מסכים")
HINDI = (("१", "२", "३"), ("सहमत", "तटस्थ", "असहमत"))
CHINESE = lettered("非常同意", "同意", "不同意")
CHINESE_BARE = lettered("同意", "反对")
JAPANESE = lettered("賛成", "どちらともいえない", "反対")
KOREAN = numbered("동의함", "보통", "동의하지 않음")
THAI = lettered("เห็นด้วย", "ไม่เห็นด้วย")
ACCENTS = lettered("papa", "papá")

NAMED = [
    # the label alone, dressed in all ways
    (AGREE, "B", 1),
    (AGREE, "b", 1),
    (AGREE, " B \n", 1),
    (AGREE, "B.", 1),
    (AGREE, "(B)", 1),
    (AGREE, "[B]", 1),
    (AGREE, "{B}", 1),
    (AGREE, "B)", 1),
    (AGREE, "B:", 1),
    (AGREE, "**B**", 1),
    (AGREE, "**B.**", 1),
    (AGREE, "__B__", 1),
    (AGREE, "`B`", 1),
    (AGREE, "> B", 1),
    (AGREE, "- B", 1),
    (AGREE, "# B", 1),
    (AGREE, "'B'", 1),
    (AGREE, '"B"', 1),
    (AGREE, "“B”", 1),
    (AGREE, "«B»", 1),
    (AGREE, "„B“", 1),
    (AGREE, "「B」", 1),
    (AGREE, "『B』", 1),
    (AGREE, "【B】", 1),
    (AGREE, "Ｂ", 1),
    (AGREE, "（Ｂ）", 1),
    (AGREE, "Ⓑ", 1),
    (AGREE, "B 👍", 1),
    (AGREE, "<b>B</b>", 1),
    (AGREE, "<answer>B</answer>", 1),
    (AGREE, "B<|im_end|>", 1),
    (AGREE, "B</s>", 1),
    (AGREE, "<think>A or C?</think>\nB", 1),
    (AGREE, "$\\boxed{B}$", 1),
    (AGREE, '{"answer": "B"}', 1),
    (AGREE, "A", 0),
    (AGREE, "a", 0),
    (TEN, "I", 8),
    (TEN, "I.", 8),
    (TEN, "(I)", 8),
    # words before it
    (AGREE, "Answer: B", 1),
    (AGREE, "Answer:\n\nB", 1),
    (AGREE, "**Answer:** B", 1),
    (AGREE, "My answer is B", 1),
    (AGREE, "My answer is: B.", 1),
    (AGREE, "The answer is (B).", 1),
    (AGREE, "The answer is A", 0),
    (AGREE, "I would choose B", 1),
    (AGREE, "I’d choose option B.", 1),
    (AGREE, "I choose option C here", 2),
    (AGREE, "Option B", 1),
    (AGREE, "Well, I would say B.", 1),
    (AGREE, "Sure! B", 1),
    (AGREE, "If I had to choose, B.", 1),
    (AGREE, "That is an interesting question. My answer is D.", 3),
    # label and text
    (AGREE, "B. Agree", 1),
    (AGREE, "B) Agree", 1),
    (AGREE, "B - Agree", 1),
    (AGREE, "B – Agree", 1),
    (AGREE, "B: Agree", 1),
    (AGREE, "B.Agree", 1),
    (AGREE, "B Agree", 1),
    (AGREE, "B = Agree", 1),
    (AGREE, "B (Agree)", 1),
    (AGREE, "B\nAgree", 1),
    (AGREE, "A. AGREE STRONGLY", 0),
    (AGREE, "A Agree strongly", 0),
    (AGREE, "Agree (B)", 1),
    (AGREE, "Agree, B", 1),
    (AGREE, "B. I agree", 1),
    (AGREE, "Answer: C. Neither agree nor disagree", 2),
    (TEN, "J. A lot", 9),
    # explanations
    (AGREE, "B. Agree because the state should do more.", 1),
    (AGREE, "B because the state should do more", 1),
    (AGREE, "B, because A would be too strong", 1),
    (AGREE, "B\n\nI think that option A goes too far.", 1),
    (AGREE, "B. It does not matter to me.", 1),
    (AGREE, "B\nQuestion: Is it?\nAnswer: C", 1),
    (AGREE, "Agree. I do not say so lightly.", 1),
    # text alone
    (AGREE, "Agree", 1),
    (AGREE, "agree.", 1),
    (AGREE, "I agree", 1),
    (AGREE, "I agree with this statement.", 1),
    (AGREE, "Agree strongly", 0),
    (AGREE, "Disagree strongly!", 4),
    (AGREE, "Neither agree nor disagree", 2),
    (TEN, "A lot", 9),
    (WORDS, "Very important", 0),
    (WORDS, "It is very important to me.", 0),
    (WORDS, "Not very important", 2),
    (WORDS, "**Not at all important**", 3),
    (WORDS, "Answer: rather important", 1),
    (PREFIXES, "Not at all", 0),
    (PREFIXES, "Not at all important", 1),
    (PREFIXES, "Not at all.", 0),
    (YES, "Yes.", 0),
    (YES, "No, because I do not trust them.", 1),
    (LONG, "Most people can be trusted", 0),
    (LONG, "B. You need to be very careful", 1),
    (LONG, "You need to be very careful in", 1),
    # numbers
    (DOWN, "10", 0),
    (DOWN, "1", 9),
    (DOWN, "1.", 9),
    (DOWN, "01", 9),
    (DOWN, "3.0", 7),
    (DOWN, "7/10", 3),
    (DOWN, "7 out of 10", 3),
    (DOWN, "7 of 10.", 3),
    (DOWN, "I would rate it 7 out of 10", 3),
    (DOWN, "10 (Not at all)", 0),
    (DOWN, "1 - Very", 9),
    (DOWN, "1️⃣", 9),
    (DOWN, "⑩", 0),
    (ENDS, "10", 9),
    (ENDS, "1", 0),
    (ENDS, "10 (Not at all)", 9),
    (ENDS, "Very", 0),
    (UP, "3. Twice", 2),
    (UP, "Three times", 3),
    (COUNTS, "3", 2),
    (COUNTS, "0", 0),
    (COUNTS, "1. 0", 0),
    (COUNTS, "3. 2", 2),
    (SIGNS, "> 5", 1),
    (SIGNS, "A. < 5", 0),
    (SIGNS, "5%", 2),
    # an option that is what others call no answer
    (KNOW, "Don't know", 2),
    (KNOW, "I don’t know", 2),
    (KNOW, "C. Don't know", 2),
    (KNOW, "No answer", 3),
    (KNOW, "No", 1),
    # disclaimers beside a clear answer
    (AGREE, "B. As an AI, I cannot have opinions.", 1),
    (AGREE, "As an AI I have no opinion, but I would answer: B", 1),
    (AGREE, "I'm not sure, but I would say B.", 1),
    (AGREE, "I cannot say for certain. My answer is D", 3),
    (AGREE, "Agree, but as an AI I can't really have an opinion.", 1),
    # other languages and scripts
    (GERMAN, "Antwort: A", 0),
    (GERMAN, "Ich wähle C, weil es so ist.", 2),
    (GERMAN, "Ich stimme nicht zu.", 2),
    (GERMAN, "Meine Antwort ist B.", 1),
    (FRENCH, "Réponse : B", 1),
    (FRENCH, "Re\u0301ponse\u00a0: C", 2),
    (FRENCH, "Je suis d’accord.", 1),
    (FRENCH, "tout a fait d'accord", 0),
    (FRENCH, "TOUT À FAIT D'ACCORD", 0),
    (SPANISH, "Respuesta: C", 2),
    (SPANISH, "Estoy de acuerdo con esta idea", 1),
    (SPANISH, "Yo diría: muy de acuerdo", 0),
    (PORTUGUESE, "Resposta: C) Discordo", 2),
    (PORTUGUESE, "não concordo nem discordo", 1),
    (RUSSIAN, "Ответ: B", 1),
    (RUSSIAN, "Я согласен.", 1),
    (RUSSIAN, "не согласен", 2),
    (RUSSIAN, "Мой ответ: A. Полностью согласен", 0),
    (GREEK, "Διαφωνώ", 2),
    (GREEK, "ΣΥΜΦΩΝΩ", 0),
    (TURKISH, "Cevap: C", 2),
    (TURKISH, "KATILIYORUM", 0),
    (ARABIC, "الإجابة: ٢", 1),
    (ARABIC, "الإجابة: 2", 1),
    (ARABIC, "\u200f٣. لا أوافق\u200f", 2),
    (ARABIC, "أُوَافِق", 1),
    (ARABIC, "\u202bأوافق بشدة\u202c", 0),
    (HEBREW, "תשובה: B", 1),
    (HEBREW, "לא מסכים", 1),
    (HINDI, "२", 1),
    (HINDI, "उत्तर: 3", 2),
    (HINDI, "असहमत", 2),
    (CHINESE, "回答：B", 1),
    (CHINESE, "答案是 C。", 2),
    (CHINESE, "我选择B，因为这样更好。", 1),
    (CHINESE, "不同意", 2),
    (CHINESE, "我同意", 1),
    (CHINESE, "Ａ．非常同意", 0),
    (JAPANESE, "答え：C", 2),
    (JAPANESE, "Bです。", 1),
    (JAPANESE, "私の答えはAです", 0),
    (JAPANESE, "「反対」", 2),
    (KOREAN, "답: 3번", 2),
    (KOREAN, "1번입니다.", 0),
    (KOREAN, "동의하지 않음", 2),
    (THAI, "คำตอบ: B", 1),
    (THAI, "ไม่เห็นด้วย", 1),
    (THAI, "เห็นด้วยครับ", 0),
    (ACCENTS, "papá", 1),
    (ACCENTS, "papa", 0),
    (AGREE, "\u200bB\ufeff", 1),
    (AGREE, "\x00B\x00", 1),
    (AGREE, "\ud83dB", 1),
]

UNREAD = [
    (AGREE, "", "no_answer"),
    (AGREE, " \n\t", "no_answer"),
    (AGREE, "...", "no_answer"),
    (AGREE, "—", "no_answer"),
    (AGREE, "？！", "no_answer"),
    (AGREE, "\u200b\u200f", "no_answer"),
    (AGREE, "N/A", "no_answer"),
    (AGREE, "🙂", "no_answer"),
    (AGREE, "F", "invalid_key"),
    (AGREE, "F.", "invalid_key"),
    (AGREE, "Answer: F", "invalid_key"),
    (AGREE, "Z) Agree", "invalid_key"),
    (AGREE, "3", "invalid_key"),
    (AGREE, "Б", "invalid_key"),
    (DOWN, "11", "invalid_key"),
    (DOWN, "0", "invalid_key"),
    (DOWN, "-3", "invalid_key"),
    (DOWN, "5.5", "invalid_key"),
    (DOWN, "100", "invalid_key"),
    (DOWN, "B", "invalid_key"),
    (ARABIC, "٤", "invalid_key"),
    (AGREE, "A. Agree", "key_text_mismatch"),
    (AGREE, "B. Agree strongly", "key_text_mismatch"),
    (AGREE, "B (Disagree)", "key_text_mismatch"),
    (AGREE, "Agree (C)", "key_text_mismatch"),
    (AGREE, "B. I disagree", "key_text_mismatch"),
    (DOWN, "10 (Very)", "key_text_mismatch"),
    (DOWN, "1: Not at all", "key_text_mismatch"),
    (ENDS, "10 (Very)", "key_text_mismatch"),
    (LONG, "A. You need to be very careful", "key_text_mismatch"),
    (CHINESE, "B. 不同意", "key_text_mismatch"),
    (ARABIC, "١. لا أوافق", "key_text_mismatch"),
    (AGREE, "A or B", "ambiguous"),
    (AGREE, "A and B", "ambiguous"),
    (AGREE, "A/B", "ambiguous"),
    (AGREE, "A, B", "ambiguous"),
    (AGREE, "B or maybe C", "ambiguous"),
    (AGREE, "Either B or C.", "ambiguous"),
    (AGREE, "Agree or disagree", "ambiguous"),
    (AGREE, "A. Agree strongly B. Agree C. Neither agree nor disagree", "ambiguous"),
    (AGREE, "A. Agree strongly\nB. Agree", "ambiguous"),
    (AGREE, "B. No, my answer is C.", "ambiguous"),
    (AGREE, "Agree. Disagree.", "ambiguous"),
    (DOWN, "1-2", "ambiguous"),
    (DOWN, "3 to 5", "ambiguous"),
    (DOWN, "3 oder 4", "ambiguous"),
    (CHINESE, "A或B", "ambiguous"),
    (RUSSIAN, "A или B", "ambiguous"),
    (COUNTS, "1", "ambiguous"),
    (COUNTS, "2", "ambiguous"),
    (LONG, "You need to", "ambiguous"),
    (AGREE, "not A", "invalid_text"),
    (AGREE, "Neither A nor B", "invalid_text"),
    (AGREE, "My answer is not A", "invalid_text"),
    (AGREE, "I would not choose A", "invalid_text"),
    (BARE, "I do not agree", "invalid_text"),
    (BARE, "Agree somewhat", "invalid_text"),
    (AGREE, "Somewhat agree", "invalid_text"),
    (AGREE, "A good question, that one", "invalid_text"),
    (AGREE, 'A "good" question', "invalid_text"),
    (AGREE, "My answer is a bit complicated", "invalid_text"),
    (AGREE, "A.I. systems are machines", "invalid_text"),
    (AGREE, "Banana", "invalid_text"),
    (AGREE, "Hello, how are you today?", "invalid_text"),
    (TEN, "I like trees", "invalid_text"),
    (TEN, "I, for one, like trees", "invalid_text"),
    (TEN, "A little", "invalid_text"),
    (WORDS, "Important", "invalid_text"),
    (WORDS, "not important", "invalid_text"),
    (DOWN, "3%", "invalid_text"),
    (DOWN, "10 years ago", "invalid_text"),
    (DOWN, ">3", "invalid_text"),
    (CHINESE_BARE, "不同意", "invalid_text"),
    (JAPANESE, "Bではない", "invalid_text"),
    (JAPANESE, "賛成しない", "invalid_text"),
    (THAI, "เห็นด้วยบางส่วน", "invalid_text"),
    (SIGNS, "<>", "invalid_text"),
]

OTHER = [
    (AGREE, "As an AI, I can't have opinions.", "refusal"),
    (AGREE, "I cannot answer that question.", "refusal"),
    (AGREE, "I can’t answer this", "refusal"),
    (AGREE, "I'm sorry, but I am unable to provide a personal opinion.", "refusal"),
    (AGREE, "I prefer not to say", "refusal"),
    (AGREE, "No comment.", "refusal"),
    (YES, "No comment.", "refusal"),
    (YES, "No, I cannot answer that.", "refusal"),
    (AGREE, "I cannot choose A or B.", "refusal"),
    (AGREE, "I don't have personal opinions.", "refusal"),
    (AGREE, "As an A.I. I do not have personal views.", "refusal"),
    (TEN, "I, as an AI, cannot answer.", "refusal"),
    (GERMAN, "Das kann ich nicht beantworten.", "refusal"),
    (GERMAN, "Keine Angabe", "refusal"),
    (FRENCH, "Je ne peux pas répondre à cette question.", "refusal"),
    (FRENCH, "En tant qu'IA, je n'ai pas d'avis.", "refusal"),
    (SPANISH, "No puedo responder a eso.", "refusal"),
    (PORTUGUESE, "Prefiro não responder.", "refusal"),
    (RUSSIAN, "Я не могу ответить на этот вопрос.", "refusal"),
    (ARABIC, "لا أستطيع الإجابة على هذا السؤال", "refusal"),
    (CHINESE, "作为人工智能，我没有个人观点。", "refusal"),
    (JAPANESE, "お答えできません。", "refusal"),
    (KOREAN, "답변할 수 없습니다.", "refusal"),
    (THAI, "ไม่สามารถตอบได้", "refusal"),
    (AGREE, "I don't know", "dont_know"),
    (AGREE, "I do not know.", "dont_know"),
    (AGREE, "I’m not sure", "dont_know"),
    (AGREE, "No opinion", "dont_know"),
    (YES, "No opinion", "dont_know"),
    (YES, "No, I don't know", "dont_know"),
    (AGREE, "Hard to say", "dont_know"),
    (GERMAN, "Weiß nicht", "dont_know"),
    (GERMAN, "Keine Ahnung!", "dont_know"),
    (FRENCH, "Je ne sais pas", "dont_know"),
    (SPANISH, "No sé", "dont_know"),
    (PORTUGUESE, "Não sei.", "dont_know"),
    (RUSSIAN, "Затрудняюсь ответить", "dont_know"),
    (TURKISH, "Bilmiyorum", "dont_know"),
    (ARABIC, "لا أعرف", "dont_know"),
    (HEBREW, "לא יודע", "dont_know"),
    (HINDI, "पता नहीं", "dont_know"),
    (CHINESE, "我不知道", "dont_know"),
    (JAPANESE, "わかりません", "dont_know"),
    (KOREAN, "잘 모르겠습니다", "dont_know"),
    (THAI, "ไม่ทราบ", "dont_know"),
]

CUT = [
    (AGREE, "B", Reading("valid", None, 1)),
    (AGREE, "B. Agr", Reading("valid", None, 1)),
    (AGREE, "A. Agree", Reading("valid", None, 0)),
    (AGREE, "B. Disag", Reading("invalid", "key_text_mismatch")),
    (AGREE, "Neither agr", Reading("valid", None, 2)),
    (AGREE, "Agree", Reading("invalid", "ambiguous")),
    (AGREE, "Agree.", Reading("valid", None, 1)),
    (AGREE, "Agree stro", Reading("valid", None, 0)),
    (AGREE, "Dis", Reading("invalid", "ambiguous")),
    (UP, "1", Reading("invalid", "ambiguous")),
    (UP, "1.", Reading("valid", None, 0)),
    (UP, "10", Reading("valid", None, 9)),
    (UP, "2", Reading("valid", None, 1)),
    (TEN, "I", Reading("invalid", "truncated")),
    (AGREE, "", Reading("invalid", "truncated")),
    (AGREE, "Well, the question is whether", Reading("invalid", "truncated")),
    (AGREE, "As an AI, I can", Reading("refusal")),
    (AGREE, "B, because I have always thought that", Reading("valid", None, 1)),
]


def read(scale, text, **more):
    labels, options = scale
    return read_text(text, labels=labels, options=options, **more)


@pytest.mark.parametrize(("scale", "text", "option"), NAMED)
def test_named_options(scale, text, option):
    assert read(scale, text) == Reading("valid", None, option)


@pytest.mark.parametrize(("scale", "text", "reason"), UNREAD)
def test_what_names_no_option_is_not_coerced_into_one(scale, text, reason):
    assert read(scale, text) == Reading("invalid", reason, None)


@pytest.mark.parametrize(("scale", "text", "status"), OTHER)
def test_refusals_and_dont_knows(scale, text, status):
    assert read(scale, text) == Reading(status, None, None)


@pytest.mark.parametrize(("scale", "text", "reading"), CUT)
def test_texts_that_were_cut_off(scale, text, reading):
    assert read(scale, text, truncated=True) == reading


PLAIN = lettered("Blue", "Green", "Red")


def listed(table):
    return [phrase.strip() for phrase in re.split(r"[,\n]", table) if phrase.strip()]


@pytest.mark.parametrize("phrase", listed(answer_phrases.REFUSALS))
def test_every_phrase_of_refusal_is_recognised(phrase):
    assert read(PLAIN, f"– {phrase.capitalize()}.") == Reading("refusal")


@pytest.mark.parametrize("phrase", listed(answer_phrases.DONT_KNOWS))
def test_every_phrase_of_not_knowing_is_recognised(phrase):
    assert read(PLAIN, f"{phrase}!") == Reading("dont_know")


@pytest.mark.parametrize("phrase", listed(answer_phrases.CUES))
def test_every_announcement_of_an_answer_is_passed(phrase):
    assert read(PLAIN, f"{phrase}: B") == Reading("valid", None, 1)
    assert read(PLAIN, f"To be weighed with care: {phrase}: Green.") == Reading("valid", None, 1)


@pytest.mark.parametrize("phrase", listed(answer_phrases.OR))
def test_every_or_makes_two_options_ambiguous(phrase):
    assert read(PLAIN, f"B {phrase} C") == Reading("invalid", "ambiguous")


@pytest.mark.parametrize("phrase", [*listed(answer_phrases.TRAILS), *listed(answer_phrases.ENDINGS)])
def test_an_explanation_may_follow(phrase):
    assert read(PLAIN, f"B {phrase}") == Reading("valid", None, 1)
    assert read(PLAIN, f"Green {phrase}") == Reading("valid", None, 1)


def test_labels_that_are_the_options_are_no_keys():
    assert read(WORDS, "A") == Reading("invalid", "invalid_key")
    assert read(unlabelled("1", "2", "10"), "1") == Reading("valid", None, 0)
    assert read(unlabelled("1", "2", "10"), "10") == Reading("valid", None, 2)
    assert read(unlabelled("+", "-", "0"), "-") == Reading("valid", None, 1)


def test_options_that_read_alike_can_only_be_told_by_their_labels():
    twins = lettered("Agree", "agree!", "Disagree")
    assert read(twins, "Agree") == Reading("invalid", "ambiguous")
    assert read(twins, "B") == Reading("valid", None, 1)
    assert read(twins, "B. agree!") == Reading("valid", None, 1)


def test_displayed_order_alone_decides_what_a_label_means():
    labels, options = AGREE
    assert read_text("B", labels=labels, options=options[::-1]).option == 1
    assert read_text("B. Agree", labels=labels, options=options[::-1]) == Reading("invalid", "key_text_mismatch")
    assert read_text("Agree", labels=labels, options=options[::-1]).option == 3


def test_a_scale_is_prepared_once():
    assert compile_scale(*AGREE) is compile_scale(*AGREE)


ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
SCALES = [AGREE, WORDS, KNOW, DOWN, ENDS, COUNTS, SIGNS, LONG, RUSSIAN, ARABIC, HINDI, CHINESE, KOREAN, THAI, ACCENTS]


@st.composite
def rambling(draw):
    """Texts of the pieces that answers are made of, in no order."""
    labels, options = draw(st.sampled_from(SCALES))
    marks = [" ", ". ", ", ", ": ", "\n", "?", "(", ")", "/", "-", "%", "“", "\u200f", "\ud800", "\x00"]
    words = ["not", "answer", "I", "a", "or", "I choose", "because", "don't know", "as an AI", "不", "ない", "10", "F"]
    piece = st.one_of(st.sampled_from([*labels, *options, *marks, *words]), st.text(max_size=3))
    return (labels, options), "".join(draw(st.lists(piece, max_size=14)))


def sound(reading, count):
    assert reading.status in get_args(AnswerStatus)
    assert (reading.option is not None) == (reading.status == "valid")
    assert (reading.reason is not None) == (reading.status == "invalid")
    assert reading.reason is None or reading.reason in get_args(InvalidReason)
    assert reading.option is None or 0 <= reading.option < count


@given(rambling(), st.booleans())
def test_answers_in_pieces_are_read_soundly(answer, truncated):
    scale, text = answer
    sound(read(scale, text, truncated=truncated), len(scale[1]))


@given(ANYTHING, st.lists(ANYTHING, max_size=5), st.booleans(), st.booleans())
@example("\ud800", ["\udfff", "", "\x00"], True, True)
def test_no_text_and_no_options_raise(text, options, truncated, with_letters):
    labels = LETTERS[: len(options)] if with_letters else options
    sound(read_text(text, labels=labels, options=options, truncated=truncated), len(options))


# Words of options that are neither labels nor phrases of the tables.
SYLLABLES = st.sampled_from(
    ["bra", "kulo", "mesti", "ventar", "Δρυς", "кран", "дуб", "猫咪", "ねこ", "나무", "ดอกไม้", "कमल", "وردة", "Ölberg"]
)
OPTION = st.lists(SYLLABLES, min_size=1, max_size=4).map(" ".join)
OPTIONS = st.lists(OPTION, min_size=2, max_size=7, unique=True)
LABELLING = st.sampled_from(["letters", "numbers", "downward", "digits of Arabic", "options"])
SUFFIX = st.sampled_from(
    [
        "That is all.",
        "The weather was fine yesterday.",
        "It rained; nobody came.",
        "Das war schon immer so.",
        "C'est la vie !",
    ]
)


def labels_of(labelling, options):
    count = len(options)
    numbers = [str(i + 1) for i in range(count)]
    return {
        "letters": LETTERS[:count],
        "numbers": numbers,
        "downward": [str(i) for i in range(count + 5, 5, -1)],
        "digits of Arabic": [number.translate(str.maketrans("123456789", "١٢٣٤٥٦٧٨٩")) for number in numbers],
        "options": options,
    }[labelling]


@given(
    OPTIONS,
    LABELLING,
    st.sampled_from(["{label}", "{label}. {option}", "{option}", "{label}) {option}", "Answer: {label}"]),
)
def test_an_option_that_is_said_plainly_is_found(options, labelling, form):
    labels = labels_of(labelling, options)
    for i, (label, option) in enumerate(zip(labels, options, strict=True)):
        text = form.format(label=label, option=option)
        if labelling == "options" and form.startswith("{label}") and "{option}" in form:
            continue
        assert read_text(text, labels=labels, options=options) == Reading("valid", None, i)


@given(OPTIONS, LABELLING, SUFFIX, st.sampled_from([". ", "\n", "! ", "\n\n"]), st.data())
def test_a_sentence_behind_the_answer_never_makes_it_another_option(options, labelling, suffix, mark, data):
    labels = labels_of(labelling, options)
    i = data.draw(st.integers(0, len(options) - 1))
    said = data.draw(st.sampled_from([labels[i], options[i], f"{labels[i]}: {options[i]}"]))
    assert read_text(f"{said}{mark}{suffix}", labels=labels, options=options).option in {i, None}


@given(OPTIONS, LABELLING, st.data())
def test_another_options_text_behind_a_label_is_never_valid(options, labelling, data):
    labels = labels_of(labelling, options)
    assume(labelling != "options")
    i, j = data.draw(st.lists(st.integers(0, len(options) - 1), min_size=2, max_size=2, unique=True))
    reading = read_text(f"{labels[i]}. {options[j]}", labels=labels, options=options)
    assert reading == Reading("invalid", "key_text_mismatch")


@given(OPTIONS, LABELLING, st.data())
def test_two_labels_are_never_one(options, labelling, data):
    labels = labels_of(labelling, options)
    i, j = data.draw(st.lists(st.integers(0, len(options) - 1), min_size=2, max_size=2, unique=True))
    assume(j < len(options) - 1)  # "1/6" says one out of six
    joint = data.draw(st.sampled_from([" or ", " / ", "/", " and ", "\n", " oder ", "、"]))
    assert read_text(f"{labels[i]}{joint}{labels[j]}", labels=labels, options=options).status == "invalid"
