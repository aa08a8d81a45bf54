"""What answers say around the option: tables of phrases in many languages.

One phrase stands between two commas or line ends.
Case, accents, apostrophes and punctuation do not matter; scripts without spaces match character by character.
"""

# ruff: noqa: RUF001  # tables of many scripts

from __future__ import annotations

from typing import Final

# What follows is the answer, wherever in the text this stands.
CUES: Final = """
answer, answers, answer is, answer would be, answer would have to be, answer has to be, my answer, the answer
i answer, i would answer, i choose, i prefer, if i had to, if i must, if i were to choose, if forced to choose
i would choose, i will choose, i would have to choose, had to choose, have to choose
must choose, i pick, i would pick, i will pick, had to pick, have to pick, i select, i would select, i will select
i go with, i go for, i would go for, id go for, i would go with, will go with, id go with, ill go with
im going with, id choose, id pick, id select
id answer
ill choose, ill pick, ill select, ill answer, i would say, id say, i have to say, had to say, my choice
my choice is
my response, response, my selection, my pick, final answer, boxed, best answer, correct answer, i opt for
i would opt for, i would rate, id rate, my rating, my rating is, i lean towards, i would lean towards
antwort, antwort ist, antwort lautet, antwort ware, ich wahle, wurde ich wahlen, ich wurde wahlen, ich wurde sagen
ich antworte, wurde ich antworten, ich entscheide mich fur, meine wahl, meine wahl ist
reponse, ma reponse, reponse est, je choisis, je choisirais, je dirais, je repondrais, mon choix, mon choix est
respuesta, mi respuesta, respuesta es, respuesta seria, elijo, elegiria, escojo, escogeria, yo diria, mi eleccion
resposta, minha resposta, resposta e, resposta é, escolho, eu escolho, escolheria, eu diria
risposta, la mia risposta, risposta è, scelgo, sceglierei, io direi, la mia scelta
antwoord, mijn antwoord, antwoord is, ik kies, ik zou kiezen, svar, mitt svar, svaret, jag valjer
odpowiedz, moja odpowiedz, wybieram, odpoved, valasz, vastaus, raspuns, cevap, cevabım, yanıt, seciyorum
jawaban, jawabannya, jawaban saya, saya memilih, saya pilih, tra loi, cau tra loi, toi chon
ответ, мой ответ, я выбираю, выбираю, я бы выбрал, я бы выбрала, відповідь, моя відповідь, отговор, απαντηση
επιλεγω
回答, 我的回答, 答案, 答案是, 我的答案是, 回答是, 我选择, 我会选择, 我選擇, 我會選擇, 选择, 選擇, 我选, 我選
选项, 選項
答え, 答えは, 回答は, 私の答えは, 私の回答は, 選択, 選択肢, 選択肢は, 답, 답은, 답변, 답변은, 정답은, 제답은
대답은, 선택, 선택지
คำตอบ, คำตอบคือ, คำตอบของฉันคือ, ฉันเลือก, ผมเลือก, เลือก, ข้อ
उत्तर, मेरा उत्तर, उत्तर है, जवाब, मेरा जवाब, मैं चुनता हूं, मैं चुनूंगा, मैं चुनूंगी, উত্তর, আমার উত্তর
الإجابة, إجابتي, إجابتي هي, الإجابة هي, الجواب, جوابي, أختار, سأختار, اختار, پاسخ, پاسخ من, جواب, תשובה, התשובה
"""

# Words that may stand before an option without changing what it says.
LEADS: Final = """
i, im, id, we, you, he, she, my, me, a, an, the, it, is, am, its, that, this, s, so, well, then, would be, would
will, be
have to, think, feel, believe, guess, say, hmm, hm, okay, ok, sure, yes, yeah, personally, honestly, overall
in my opinion, in general, generally, definitely, probably, likely, most likely, perhaps, maybe, either
as a person
give, give it, nr, option, options, choice, choose, select, number, letter, category, alternative, level, rating
score, rate
on, at
from my perspective, my view is, my opinion is, my position is, i am going with, thank you, thanks, hello, hi
to be honest
answer, answer key, ans, key, final, best, text, result, but, and, however, here
ich, bin, finde, denke, glaube, meine, meiner meinung nach, das, die, der, es, ist, ware, wurde, sagen, ja, also
nummer
die antwort, option, moglichkeit, stufe, sehe, halte, eher wohl
je, suis, pense, crois, cest, est, le, la, l, un, une, oui, moi, personnellement, a mon avis, numero, selon moi
jai
yo, estoy, soy, creo, pienso, que, es, el, los, mi, opcion, si, en mi opinion, personalmente, diria, numero, seria
eu, sou, estou, acho, penso, o, os, é, opcao, sim, na minha opiniao, sono, io, credo, penso, che, secondo me
opzione, il
sono d, ik, ben, denk, vind, het, de, ja, optie, jag, är, alternativ, ben, bence, benim, seçenek, şık
saya, pilihan, opsi, menurut saya, toi, phuong an, lua chon
я, думаю, считаю, что, да, вариант, пункт, номер, это, мне кажется, по моему мнению, мой выбор, варіант, так
jestem, opcja
我, 我会, 我會, 我是, 我的, 是, 的, 我认为, 我認為, 我觉得, 我覺得, 应该, 應該, 为, 第, 項, 项, 好的
私は, 私, は, が, 番号, はい, 저는, 나는, 제, 생각에는, 네, 번호, 옵션, ฉัน, ผม, ดิฉัน, คือ, คิดว่า, ตัวเลือก, ที่
मैं, मेरा, मेरे, विचार, में, है, हां, विकल्प, أنا, نعم, الخيار, خيار, رقم, هو, هي, أعتقد, أن, من, گزینه, אני
אפשרות
"""

# Words after an option that begin an explanation or close the sentence.
TRAILS: Final = """
because, since, as i, as it, as this, as my, as the, given, due to, based on, for me, for the, for this, for my
with that, with this, with the, with it, that, to me, in my, in this, on this, on the, on a scale, on that
about this
about that, is my answer, is my choice, is the best answer, is the correct answer, is the best choice
is the answer, is the closest, would be my, would be the, though
i think, i guess, i believe, i would say, please, overall, personally, but, although, while, when it comes
thank you, thanks
weil, denn, da ich, da es, mit dieser, mit der, fur mich, ware meine, ist meine antwort, aber, dieser aussage
parce que, car, puisque, avec cette, pour moi, mais
porque, ya que, pues, con esta, con la, con eso, para mi, pero, com a, com esta, pois
perche, poiche, con questa, per me, ma, omdat, want, met de, eftersom, poniewaz, çünkü, karena, vi
потому, так как, с этим, для меня, поскольку, но, тому що, бо
因为, 因為, 这, 這, 对于, 對於, なぜなら, 왜냐하면, เพราะ, क्योंकि, لأن, لأنني, لأنه, مع هذا, على هذا, چون, כי
"""

# Endings of a sentence that add nothing; what follows them must close as it would after the option itself.
ENDINGS: Final = """
吧, 啊, 项, 項, 号, 號, 分, 点, 番, 番目, です, ですね, だ, でしょう, だと思います, と思います, と答えます
を選びます, を選択します
を選ぶ, になります, 番です, 번, 번입니다, 점, 입니다, 이다, 이에요, 예요, 를 선택합니다, 을 선택합니다
를 선택하겠습니다
을 선택하겠습니다, 를 고르겠습니다, 을 고르겠습니다, 라고 생각합니다, 으로 하겠습니다, 로 하겠습니다
ครับ, ค่ะ, คะ, है, हूं, हूँ
"""

OR: Final = """
or, or maybe, or perhaps, oder, ou, o, u, of, o bien, ou bien, oppure, eller, lub, albo, nebo, vagy, tai, sau
veya, ya da
atau, hoac, или, либо, або, ή, 或, 或者, 还是, 還是, または, もしくは, か, 또는, 혹은, 이나, หรือ, या, أو, یا, או
"""

AND: Final = """
and, und, et, y, e, en, och, oraz, i, ve, dan, va, и, й, і, та, και, 和, 与, 與, 及, と, 와, 과, 및, และ, और, و
ו, to, through
"""

OUT_OF: Final = "out of, of, von, auf, sur, de, di, su, van, av, из"

# What was denied before these is not denied after them.
CONTRASTS: Final = """
but, however, yet, aber, doch, mais, pero, mas, ma, maar, men, ale, но, однако, але, ama
fakat, tetapi, لكن, लेकिन, 但, 但是, でも
"""

# An option that reads so, followed by a refusal, is an interjection.
NO: Final = """
no, nein, non, não, nao, nee, nej, nie, нет, ні, 不, いいえ, 아니요, ไม่, नहीं, لا, hayır, tidak
không, לא
"""

# Other words make of the option that follows something else.
NEGATIONS: Final = """
not, never, dont, cannot, cant, wont, wouldnt, neither, nicht, kein, keine, weder, ne, pas, no, nunca, ni, nao
não, jamais
non, niet, geen, inte, nie, не, нет, ні, değil, tidak, bukan, không, 不, 没, 沒, 無, 无, 未, 안, ไม่, नहीं, لا
ليس, لن, לא
"""

REFUSALS: Final = """
cannot answer, cant answer, can not answer, could not answer, unable to answer, not able to answer, wont answer
will not answer, would not answer, not going to answer, refuse to answer, decline to answer, declined to answer
cannot respond, cant respond, unable to respond, cannot provide, cant provide, unable to provide, not able to provide
cannot give, cant give, cannot choose, cant choose, unable to choose, cannot select, cant select, cannot pick
cant pick
cannot express, cannot help with, cant help with, cant help you, cannot assist, cant assist, unable to assist
cannot participate, cannot share, cannot offer, cannot take, cannot engage, cannot discuss, cant discuss
cannot comment
rather not, prefer not, choose not to answer, no comment, not comfortable, none of your business, refused
i refuse
i decline, must decline, not appropriate for me, as an ai, as an artificial intelligence, as a language model, as a i
as an a i, as a large language model, im an ai, i am an ai, im just an ai, i am a language model, im a language model
i am just a language model, as a machine, do not have personal, dont have personal, do not hold personal
have no personal, do not have feelings, dont have feelings, do not possess personal, ai language model
kann nicht antworten, kann ich nicht beantworten, kann die frage nicht beantworten, nicht beantworten
mochte nicht antworten, mochte ich nicht beantworten, keine angabe, kein kommentar, verweigere, will nicht antworten
als ki, als kunstliche intelligenz, als sprachmodell, ich bin eine ki, keine personliche meinung, keine personlichen
ne peux pas repondre, ne souhaite pas repondre, prefere ne pas, refuse de repondre, pas de commentaire, en tant quia
en tant qu ia, en tant quintelligence artificielle, en tant que modele, sans commentaire, ne veux pas repondre
no puedo responder, no puedo contestar, prefiero no, no quiero responder, sin comentarios, me niego
como ia, como inteligencia artificial, como modelo de lenguaje, como un modelo de lenguaje, no deseo responder
nao posso responder, prefiro nao, nao quero responder, sem comentarios, como uma ia, como modelo de linguagem
como um modelo de linguagem, recuso me
non posso rispondere, preferisco non, non voglio rispondere, nessun commento, come ia, in quanto ia
come modello linguistico, in quanto modello
kan niet antwoorden, geen commentaar, liever niet, als ai, als taalmodel, kan inte svara, vill inte svara
nie moge odpowiedziec, odmawiam odpowiedzi, jako model jezykowy, cevap veremem, yanıtlayamam, cevaplamak istemiyorum
yapay zeka olarak, tidak dapat menjawab, tidak bisa menjawab, sebagai ai, sebagai model bahasa, không thể trả lời
không muốn trả lời, là một mô hình ngôn ngữ
не могу ответить, отказываюсь отвечать, не хочу отвечать, без комментариев, предпочитаю не, как ии, как языковая модель
как искусственный интеллект, не можу відповісти, відмовляюся відповідати, δεν μπορώ να απαντήσω
无法回答, 無法回答, 不能回答, 不想回答, 拒绝回答, 拒絕回答, 不便回答, 不愿回答, 不願回答, 无可奉告, 作为人工智能
作為人工智能
作为一个人工智能, 作为ai, 作为一个ai, 作为语言模型, 作为一个语言模型, 没有个人观点, 我是一个人工智能
答えられません, お答えできません, 回答できません, 答えたくありません, 回答を控え, 回答を拒否, aiとして
aiですので, 言語モデルとして
답변할 수 없, 대답할 수 없, 답할 수 없, 답변을 거부, 답변하고 싶지 않, 말하고 싶지 않, ai로서, 인공지능으로서
언어 모델로서
ไม่สามารถตอบ, ไม่ขอตอบ, ไม่ต้องการตอบ, ปฏิเสธที่จะตอบ, ในฐานะปัญญาประดิษฐ์, ในฐานะ ai
उत्तर नहीं दे सकता, जवाब नहीं दे सकता, उत्तर नहीं देना, जवाब नहीं देना, एक एआई के रूप में, भाषा मॉडल के रूप में
لا أستطيع الإجابة, لا يمكنني الإجابة, لا أريد الإجابة, أفضل عدم الإجابة, أرفض الإجابة, لا تعليق, كذكاء اصطناعي
كنموذج لغوي, بصفتي نموذج, نمی توانم پاسخ, نمیتوانم پاسخ, לא יכול לענות, מסרב לענות, מעדיף לא
"""

DONT_KNOWS: Final = """
dont know, do not know, dont really know, didnt know, idk, dunno, no idea, not sure, unsure, im uncertain
i am uncertain
undecided, no opinion, have no view, hard to say, difficult to say, cant say, cannot say, dont have an opinion
do not have an opinion, dont have a strong opinion, dont have any opinion, no strong opinion, cant decide, cannot decide
cant tell, havent thought about, not certain, havent decided, who knows, dk
weiss nicht, weiss es nicht, weiss ich nicht, keine ahnung, keine meinung, bin unsicher, unentschieden
bin mir nicht sicher, bin nicht sicher, schwer zu sagen, kann ich nicht sagen
ne sais pas, sais pas, aucune idee, pas sur, pas sure, sans opinion, pas davis, difficile a dire, pas dopinion
no se, no lo se, no sabe, no sabria, ni idea, no estoy seguro, no estoy segura, sin opinion, dificil de decir
no tengo opinion
nao sei, nao tenho certeza, nao tenho opiniao, sem opiniao, nao faco ideia, dificil dizer
non so, non lo so, non saprei, non sono sicuro, non sono sicura, nessuna opinione, nessuna idea, difficile da dire
weet niet, weet het niet, weet ik niet, geen mening, geen idee, vet inte, vet ej, ingen asikt, nie wiem
trudno powiedziec
nevim, nem tudom, en tiedä, nu stiu, bilmiyorum, fikrim yok, emin değilim, kararsızım
tidak tahu, tidak yakin, belum tahu, không biết, không chắc, không có ý kiến
не знаю, не уверен, не уверена, затрудняюсь ответить, нет мнения, трудно сказать, не знам, важко сказати, δεν ξέρω
不知道, 不清楚, 不确定, 不確定, 没有意见, 沒有意見, 没意见, 说不清, 說不清, 不好说, 很难说, 無意見
わからない, 分からない, わかりません, 分かりません, 知りません, 意見はありません, 意見なし, 何とも言えない
どちらとも言えない
모르겠, 모름, 모릅니다, 잘 몰라, 확실하지 않, 의견 없음, 의견이 없
ไม่ทราบ, ไม่รู้, ไม่แน่ใจ, ไม่มีความเห็น, ไม่มีความคิดเห็น
पता नहीं, मालूम नहीं, नहीं जानता, नहीं जानती, नहीं पता, कोई राय नहीं, निश्चित नहीं, জানি না
لا أعرف, لا أعلم, لا أدري, لست متأكد, لست متأكدا, ليس لدي رأي, لا رأي, نمی دانم, نمیدانم, לא יודע, לא יודעת
אין לי דעה, לא בטוח
"""

# Lines that begin so are no longer the answer: a model that completes text goes on with the next question.
NEXT_QUESTION: Final = (
    "question, next question, user, human, interviewer, frage, pregunta, pergunta, вопрос, 问题, 問題, 質問"
)
