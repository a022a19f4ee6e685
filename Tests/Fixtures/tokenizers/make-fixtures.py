"""Makes the small tokenizers beside this file, and what Hugging Face's `tokenizers` (0.23) gives for hard texts.

    python make-fixtures.py path/to/text.txt

The text is Tiny Shakespeare (public domain). Each golden is a list of {text, ids, ids_special, decoded, decoded_skip}.
"""

import json
import pathlib
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace("{1,3}", "")
BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())

TEXTS = [
    "", "a", " ", "  ", "\n", "\n\n", "\r\n", "\t", "Hello world", " leading", "trailing ", "  two  spaces  ",
    "Hello  World's   end\t\n\n  x", "In 1984, 12345 = x² + naïve 3.14 foo_bar", "0 00 000 0000 1234567890 1½ Ⅷ ٣٤٥ ²³",
    "don't can't we'll I'm you've they'd O'Neil DON'T WE'LL I'M HE'S it'ſ 'ſ ’s", "line\r\nline\r\n\r\n  end \r\n",
    "   \n  \n x", "a\u00a0b\u2003c\u3000d\u200be\u180ef\u0085g\u2028h\u2029i\u202fj\u205fk\ufeffl",
    "日本語のテキスト、中文文本。한국어", "Привет, мир! Ёлка", "🙂👩\u200d👩\u200d👧\u200d👦🏳️\u200d🌈 emoji 🇩🇪",
    "é vs e\u0301 (decomposed)", "e\u0301\u0323 o\u0323\u0302 \u1100\u1161\u11a8 \u212b \u2126 \u0958 q\u0307\u0323 \u0344",
    "عربي نص مع أرقام ١٢٣", "हिन्दी में पाठ", "ไทย", "MiXeD CaSe HTTPServer getURL __init__", "...!!!???---===\n\n///",
    "\x00\x01\x7f control", "a" * 300, " " * 50 + "x", "\n" * 20 + "x", "ab" * 200 + "1" * 50,
    "def f(x):\n    return x ** 2  # square\n\n\nclass A:\n\tpass", "<|begin_of_text|>Hi<|end|>", "<|end|><|end|> <|end|>x",
    "x<|end|>", "<|end", "left   <left>  right", "left\n\t<left><left>x", "a <right>   b", "<right>\n\nb <right>", "<right> <left> x",
    "word", "a word b", "swordfish words word. word_ word\u0301 éword word", "(word)(word)wordword", "wordy word",
    "<both>", "  <both>  <both>  x", "caf\u00e9tok cafe\u0301tok", "<|end|>caf\u00e9tok<|end|>cafe\u0301tok", "long longer longest",
    "longlongest", "\u017f\u212a K k S s", "\U0010ffff\U000e0001 \ue000 \u0378", "\u1e9b\u0323 \ufb01 \u0130 \u01c4",
    "x\u200d\u200cy", "To be, or not to be: that is the question.\nWhether 'tis nobler in the mind to suffer\n",
]


def goldens(name, tokenizer, texts):
    rows = []
    for text in texts:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        rows.append({
            "text": text, "ids": ids, "ids_special": tokenizer.encode(text).ids,
            "decoded": tokenizer.decode(ids, skip_special_tokens=False),
            "decoded_skip": tokenizer.decode(ids, skip_special_tokens=True),
        })
    (HERE / f"{name}.golden.json").write_text(json.dumps(rows, ensure_ascii=True, indent=0) + "\n")


def train(tokenizer, corpus, size):
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=BYTES, show_progress=False)
    tokenizer.train_from_iterator([corpus], trainer)


def added():
    return [
        AddedToken("<left>", lstrip=True), AddedToken("<right>", rstrip=True),
        AddedToken("<both>", lstrip=True, rstrip=True, normalized=False), AddedToken("word", single_word=True),
        AddedToken("caf\u00e9tok", normalized=True), AddedToken("long"), AddedToken("longest"),
    ]


def save(name, tokenizer, pair_merges=True):
    text = tokenizer.to_str(pretty=True)
    if not pair_merges:
        document = json.loads(text)
        document["model"]["merges"] = [" ".join(pair) for pair in document["model"]["merges"]]
        text = json.dumps(document, ensure_ascii=True, indent=0)
        tokenizer = Tokenizer.from_str(text)
    (HERE / f"{name}.tokenizer.json").write_text(text + "\n")
    return tokenizer


def llama3(corpus):
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA3), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    train(tokenizer, corpus, 600)
    # A whole word that no merges make, which only `ignore_merges` finds.
    document = json.loads(tokenizer.to_str())
    document["model"]["vocab"]["\u0120nobler"] = len(document["model"]["vocab"])
    tokenizer = Tokenizer.from_str(json.dumps(document))
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|end|>"])
    tokenizer.add_tokens(added())
    bos = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(
            single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|> $B",
            special_tokens=[("<|begin_of_text|>", bos)]),
    ])
    goldens("llama3", save("llama3", tokenizer), TEXTS)


def qwen2(corpus):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN2), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.decoder = decoders.ByteLevel()
    train(tokenizer, corpus, 500)
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|end|>"])
    tokenizer.add_tokens(added())
    goldens("qwen2", save("qwen2", tokenizer, pair_merges=False), TEXTS)


def variants(corpus):
    """One vocabulary under many pre-tokenizers: {pre_tokenizer, rows} for each."""
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    split = pre_tokenizers.Split
    behaviors = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
    cuts = [split(pattern, behavior, invert)
            for pattern in [Regex(r"\s|-+"), "..", Regex("(?i)[aeiou]*")] for behavior in behaviors for invert in [False, True]]
    cuts += [pre_tokenizers.Digits(individual) for individual in [False, True]]
    cuts += [split(Regex(pattern), "isolated") for pattern in [
        r"\w+|[^\w\s]", r"\p{Han}+|\P{L}", r"[\h]{2}", r"^.|.$", r"\d{,2}x", r"(?<=a)b|(?>a+)", r"\W+",
        r"[\p{^L}]+", r"\u0061\x{62}?", r"\p{Letter}+",
    ]]
    chains = [[cut, byte_level] for cut in cuts]
    chains += [[pre_tokenizers.ByteLevel(add_prefix_space=True)], [cuts[1], pre_tokenizers.ByteLevel(add_prefix_space=True)],
               [pre_tokenizers.Digits(True), pre_tokenizers.Digits(False), pre_tokenizers.ByteLevel(add_prefix_space=False)]]
    texts = ["", "..a..b.", "a - b--c -- 12 345 x½Ⅷ", "Abe aeiou xyz  ooo", "漢字かな交じり々〇 α\nβ\r\nγ", "12x 1x x deadbeef\u0345 Ⓐ_\u200d",
             "ab aab b\u0301 abab\n\naab\n", " x", "..", "-", "日本 \u180e\u0085 ..\n"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = byte_level
    train(tokenizer, corpus[:20000], 280)
    base = json.loads(tokenizer.to_str())
    base["decoder"] = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    cases = []
    for chain in chains:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(chain) if len(chain) > 1 else chain[0]
        cases.append({
            "pre_tokenizer": json.loads(tokenizer.to_str())["pre_tokenizer"],
            "rows": [{"text": text, "ids": tokenizer.encode(text).ids} for text in texts],
        })
    base["pre_tokenizer"] = None
    (HERE / "variants.json").write_text(json.dumps({"tokenizer": base, "cases": cases}, indent=None) + "\n")


def unknown():
    """Bytes the vocabulary lacks: dropped, unknown one by one, or fused."""
    cases = []
    for token, fuse in [(None, False), ("?", False), ("?", True)]:
        vocabulary = {"?": 0, "a": 1, "b": 2, "ab": 3, "\u0120": 4, "?a": 5}
        tokenizer = Tokenizer(models.BPE(vocabulary, [("a", "b"), ("?", "a")], unk_token=token, fuse_unk=fuse))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        texts = ["ab", "axxb xab", "\u00e9a ab\u00e9", "xxx", "xaxxa"]
        cases.append({"tokenizer": json.loads(tokenizer.to_str()),
                      "rows": [{"text": text, "ids": tokenizer.encode(text).ids} for text in texts]})
    (HERE / "unknown.json").write_text(json.dumps(cases) + "\n")


def main():
    corpus = pathlib.Path(sys.argv[1]).read_text()[:200_000]
    llama3(corpus)
    qwen2(corpus)
    variants(corpus)
    unknown()
    goldens("demo", Tokenizer.from_file(str(HERE.parents[2] / "demo/model/tokenizer.json")), TEXTS)


main()
