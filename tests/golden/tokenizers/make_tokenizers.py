#!/usr/bin/env python3
"""Writes what `tokenizers` makes of 10,000 random strings: python make_tokenizers.py

Needs tokenizers 0.23.3 and zstandard. Reads ../llama_tiny/tokenizer.json and writes beside itself
small.json, strings.zst, llama_tiny.zst, small.zst, llama_tiny.decoded.zst and small.decoded.zst.
A string is its length in bytes (LEB128) and its bytes; ids are their count and each of them (LEB128).
"""
import json
import random
from pathlib import Path

import tokenizers
import zstandard
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = Path(__file__).parent
STRINGS, DECODED = 10_000, 500

WORDS = """the of and to in is that for it was on are as with his they at be this from have or by
one had not but what all were when we there can an your which their said if do will each about how up
out them then she many some so these would other into has more her two like him see time could no make
than first been its who now people my made over did down only way find use may water long little very
after words called just where most know get through back much before go good new write our used me man
Transformer activation latent sparse decoder kcal mol supercalifragilistic HTTP JSON camelCase snake_case
naïve café résumé Ångström straße İstanbul ǅungla œuvre Привет мир ёлка Ελλάδα αβγ ΔΣ հայ עברית שלום
العربية سلام हिन्दी नमस्ते বাংলা தமிழ் తెలుగు ไทยแลนด์ ລາວ မြန်မာ ខ្មែរ བོད ქართული አማርኛ 日本語 テキスト
ひらがな 漢字 你好 世界 한국어 조선 ᠮᠣᠩᠭᠣᠯ ᏣᎳᎩ 𐌲𐌿𐍄 𒀀𒁀 𝐀𝑏𝓒 ﬁﬂ ｆｕｌｌ""".split()
SPACES = [" ", " ", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\r", "\t", "\t\t", " \n", "\n ", " \n \n", "\x0b", "\x0c",
          "\x85", "\xa0", "\u1680", "\u2003", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f",
          "\u3000", "\u180e", "\u200b", "\u2060", "\ufeff", "\xa0 ", " \u3000"]
DIGITS = ["0", "1", "7", "12", "123", "1234", "12345678", "3.14", "1,000", "2024-06-30", "٣", "١٢٣", "४२", "৭",
          "๙", "໓", "²", "½", "③", "Ⅳ", "〇", "一", "㊿", "𝟗𝟘", "𑁦", "５", "10\u2044", "1e5", "0x1F"]
CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'T", "'RE", "'vE", "'M", "'Ll", "'D",
                "'ſ", "'lll", "'dd", "’s", "''s", "'", "I'm", "don't", "WE'LL", " 's", "'\u212a"]
EMOJI = ["🧬", "👩\u200d🔬", "👨\u200d👩\u200d👧\u200d👦", "🇫🇷", "🏴\U000e0067\U000e0062\U000e007f", "👍🏽", "❤\ufe0f", "1\ufe0f\u20e3",
         "🫠", "\U0001fae8", "☃", "©\ufe0f", "\ufe0f", "\u200d"]
MARKS = ["e\u0301", "a\u0300\u0323", "\u0301", "Z\u0351\u036b\u0343", "ก\u0e49", "क\u094d\u0937", "\u0897", "\U000113c0",
         "\u20dd", "ל\u05b0", "\u0c3e"]
SIGNS = list("!?.,;:-_+*/\\|<>=()[]{}@#$%^&~`\"") + ["...", "!!!", "->", "==", "://", "—", "“", "”", "«", "，", "。", "−",
                                                       "€", "°", "\u2044", "?\n", ".\r\n", "{\n\n"]
CONTROLS = ["\x00", "\x01", "\x04", "\x06", "\x13", "\x1b[0m", "\x1f", "\x7f", "\x80", "\x9f", "\u200e", "\u202e", "\ufffd",
            "\uffff", "\ue000", "\U000f0000", "\U0010ffff", "\U00040000"]
SPECIALS = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|finetune_right_pad_id|>",
            "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|im_end|>\n", "<|im", "<mask>", " <mask> ", "\u3000<mask>\n",
            "<line>", "<line> \t", "<line><mask>", "lower<|im_end|>", "ab", "abc", "<|eot_id", "|>", "<", "<|"]
# Assigned after Unicode 14: 1C89 A7CB 105C0 10D4A 116D0 13460 16D40 1CCF0 1E4F0 2EBF0 31350 ... and in Unicode 17
# (11DE0, 16FF4), which Digits knows and the expressions do not.
NEWER = [chr(c) for c in (0x1C89, 0x1C8A, 0xA7CB, 0xA7DC, 0x105C0, 0x10D40, 0x10D4A, 0x10D65, 0x11380, 0x113D3, 0x11BF0, 0x11F50,
                          0x116D0, 0x13460, 0x143FA, 0x16100, 0x16D40, 0x16D70, 0x1CCF0, 0x1D2C0, 0x1E030, 0x1E4D0, 0x1E4F0,
                          0x1E5F1, 0x2B739, 0x2EBF0, 0x2EE5D, 0x31350, 0x323AF, 0x11DE0, 0x16FF4, 0x16FF6, 0x2FFC, 0x1FAE8)]
KINDS = [(WORDS, 30), (SPACES, 24), (DIGITS, 8), (CONTRACTIONS, 6), (EMOJI, 4), (MARKS, 4), (SIGNS, 10), (CONTROLS, 3),
         (SPECIALS, 6), (NEWER, 4)]


def any_character(rng):
    while True:
        code = rng.choice([rng.randrange(0x80), rng.randrange(0x3000), rng.randrange(0x10000), rng.randrange(0x20000),
                           rng.randrange(0x110000)])
        if not 0xD800 <= code < 0xE000:
            return chr(code)


def random_string(rng, index):
    if index % 500 == 0:  # one long run
        return rng.choice([" ", "a", "7", "\n", "Ġ", "ab", "字", "'s", "!", "\u0301", " \n"]) * rng.randrange(200, 3000)
    if index % 8 == 0:
        return "".join(any_character(rng) for _ in range(rng.randrange(1, 10)))
    pools, weights = zip(*KINDS)
    parts = []
    for pool in rng.choices(pools, weights, k=rng.randrange(1, 11)):
        parts.append(rng.choice(pool))
        if pool is WORDS and rng.random() < 0.4:
            parts.append(" ")
    return "".join(parts)


def small_tokenizer(strings):
    """The kind of SmolLM2: digits one by one, GPT-2's expression, no token for some bytes."""
    small = Tokenizer(models.BPE())
    small.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                   pre_tokenizers.ByteLevel(add_prefix_space=False)])
    small.decoder = decoders.ByteLevel()
    known = [s for s in strings if not set(s) & {"\x04", "\x06", "\x13"} and max(map(ord, s), default=0) < 0x40000]
    small.train_from_iterator(known[:4000], trainers.BpeTrainer(
        vocab_size=700, show_progress=False, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"]))
    small.add_special_tokens([AddedToken("<|im_end|>\n", normalized=False), AddedToken("<mask>", lstrip=True, normalized=False),
                              AddedToken("<line>", rstrip=True, normalized=False)])
    small.add_tokens([AddedToken("lower<|", normalized=True), AddedToken("abc", normalized=True), AddedToken("é", normalized=True)])
    return small


def leb128(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def packed_text(text):
    return leb128(len(text.encode())) + text.encode()


def packed_ids(ids):
    return leb128(len(ids)) + b"".join(map(leb128, ids))


def write(name, data):
    (HERE / name).write_bytes(zstandard.ZstdCompressor(level=22).compress(data))
    print(f"{(HERE / name).stat().st_size:8d}  {name}")


def main():
    assert tokenizers.__version__ == "0.23.3", tokenizers.__version__
    rng = random.Random(8)
    strings = [random_string(rng, index) for index in range(STRINGS)]
    write("strings.zst", b"".join(map(packed_text, strings)))
    small_tokenizer(strings).save(str(HERE / "small.json"), pretty=False)
    for name, file in [("llama_tiny", HERE / "../llama_tiny/tokenizer.json"), ("small", HERE / "small.json")]:
        peer = Tokenizer.from_file(str(file))
        ids = [peer.encode(text, add_special_tokens=False).ids for text in strings]
        write(f"{name}.zst", b"".join(map(packed_ids, ids)))
        shuffled = [[rng.randrange(peer.get_vocab_size()) for _ in range(rng.randrange(1, 24))] for _ in range(DECODED)]
        write(f"{name}.decoded.zst", b"".join(
            packed_ids(some) + packed_text(peer.decode(some, skip_special_tokens=False)) for some in shuffled))
    print(json.dumps({"strings": STRINGS, "bytes": sum(len(s.encode()) for s in strings)}))


if __name__ == "__main__":
    main()
