"""Records the figures of short runs of distillation in float64: loss, α and gradient norm of every step, held-out figures at the end.

  python record.py > figures.json     # Python 3 with torch 2.13.0, transformers 5.24.0

Models, autograd, AdamW and clipping are PyTorch's and transformers'; losses, acceptance and the schedule are their formulas. Rows
are run padded, one at a time, so that nothing here depends on how they are put into batches.
"""
import json, math, random
import numpy as np, torch, transformers
from torch.nn.utils import clip_grad_norm_, get_total_norm
from transformers import AutoModelForCausalLM, AutoConfig

torch.set_default_dtype(torch.float64)
VOCABULARY = 258


def weight(name, shape):
    """As in ../transformers/record.py: a number of the tensor's name and the element's place."""
    seed = 0
    for letter in name: seed = (seed * 31 + ord(letter)) & 0xFFFFFFFF
    x = (np.arange(int(np.prod(shape)), dtype=np.uint64) * 2654435761 + seed) & 0xFFFFFFFF
    for _ in range(2): x = ((x ^ (x >> np.uint64(16))) * 0x45D9F3B) & 0xFFFFFFFF
    v = (x ^ (x >> np.uint64(16))).astype(np.float64) / 2**32 - 0.5
    v = 1 + v / 2 if "norm" in name else v * 0.5
    return torch.tensor(v.astype(np.float32).astype(np.float64)).reshape(tuple(shape))


base = dict(architectures=["LlamaForCausalLM"], model_type="llama", hidden_act="silu", max_position_embeddings=64, rms_norm_eps=1e-5,
            rope_parameters=dict(rope_type="default", rope_theta=500.0), bos_token_id=256, eos_token_id=257, num_attention_heads=2,
            num_key_value_heads=1, head_dim=8, intermediate_size=24)
# The target's vocabulary is padded, as many are: what it has beyond the draft's counts as absent.
configs = dict(target=dict(base, vocab_size=272, hidden_size=24, num_hidden_layers=2, tie_word_embeddings=False),
               draft=dict(base, vocab_size=VOCABULARY, hidden_size=16, num_hidden_layers=1, tie_word_embeddings=True))


def model(name):
    config = AutoConfig.for_model(**configs[name])
    m = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa").double()
    # The target differs from the draft in more than its sizes: names are prefixed.
    with torch.no_grad():
        for key, parameter in m.named_parameters(): parameter.copy_(weight(f"{name}.{key}", parameter.shape))
    return m


random.seed(16)


def row(length, prompt, left=0, right=0, holes=(), learned=True):
    ids = [256] + [random.choice(b"abcdefgh ") for _ in range(length - 2)] + [257]
    labels = [-100 if i < prompt or i in holes or not learned else token for i, token in enumerate(ids)]
    pad = lambda values, with_: [with_] * left + values + [with_] * right
    return dict(input_ids=pad(ids, 0), attention_mask=pad([1] * length, 0), labels=pad(labels, -100))


rows = [row(9, 4), row(23, 2, right=2), row(6, 4, right=11), row(17, 9, left=3), row(12, 1), row(21, 3, left=2, right=2, holes=(9, 10)),
        row(5, 4), row(19, 6), row(8, 7, left=1), row(24, 12), row(14, 5, right=5, holes=(8,)), row(10, 2)]
held_out = [row(22, 3), row(7, 5), row(9, 3, learned=False), row(16, 2, left=4), row(20, 8, right=3, holes=(13,)), row(6, 1), row(13, 4),
            row(24, 1), row(11, 10)]
# Rows of a mixture 3 : 1, eight a step: every step has every row once, whatever their order.
answers, texts = rows[:6], [row(15, 1), row(24, 1)]

target = model("target").requires_grad_(False)


def of_row(draft, r):
    """ln p, ln q [positions that count, vocabulary], labels, and where in the row they are."""
    ids, mask, labels = (torch.tensor([r[k]]) for k in ("input_ids", "attention_mask", "labels"))
    p = draft(input_ids=ids, attention_mask=mask).logits[0, :-1].log_softmax(-1)
    q = target(input_ids=ids, attention_mask=mask).logits[0, :-1, :VOCABULARY].log_softmax(-1)
    at = (labels[0, 1:] != -100).nonzero()[:, 0]
    return p[at], q[at], labels[0, 1:][at], at


alpha = lambda p, q: torch.minimum(p.exp(), q.exp()).sum(-1)
kl = lambda a, b: (a.exp() * (a - b)).sum(-1)
tv = lambda p, q: 0.5 * (p.exp() - q.exp()).abs().sum(-1)
entropy = lambda p, q, y: -p.gather(1, y[:, None])[:, 0]


def jsd(p, q, b):
    m = (b * q.exp() + (1 - b) * p.exp()).log()
    return b * kl(q, m) + (1 - b) * kl(p, m)


def hybrid(p, q, eta):
    share = (-eta * alpha(p, q)).exp().detach()
    return share * kl(q, p) + (1 - share) * tv(p, q)


def sigma(p, q):
    """Of the reward 1{q > p} under p, pooled over the positions that are given."""
    mean = (p.exp() * (q > p)).sum(-1).mean().detach()
    return (mean - mean**2).clamp_min(0).sqrt().clamp_min(0.01)


of_position = {
    "kld": lambda p, q, y: kl(q, p),
    "reverse-kld": lambda p, q, y: kl(p, q),
    "jsd(0.3)": lambda p, q, y: jsd(p, q, 0.3),
    "tvd": lambda p, q, y: tv(p, q),
    "tvd++-position": lambda p, q, y: torch.cat([tv(p[i:i + 1], q[i:i + 1]) / sigma(p[i:i + 1], q[i:i + 1]) for i in range(len(p))]),
    "negative-log-acceptance": lambda p, q, y: -alpha(p, q).log(),
    "kl-tv-hybrid(3)": lambda p, q, y: hybrid(p, q, 3),
    "cross-entropy": entropy,
    "0.7*kld+0.3*cross-entropy": lambda p, q, y: 0.7 * kl(q, p) + 0.3 * entropy(p, q, y),
}


def step_loss(loss, parts):
    """The mean over all positions of a step, and the statistics that a loss pools, of the whole step or of each row."""
    p, q, y = (torch.cat([part[i] for part in parts]) for i in range(3))
    if loss == "tvd++": return (tv(p, q) / sigma(p, q)).mean()
    if loss == "tvd++-sequence": return torch.cat([tv(p, q) / sigma(p, q) for p, q, *_ in parts]).mean()
    return of_position[loss](p, q, y).mean()


def evaluated(draft):
    losses, rates, lengths = [], [], {3: [], 5: []}
    for r in held_out:
        with torch.no_grad(): p, q, y, at = of_row(draft, r)
        losses += entropy(p, q, y).tolist()
        a = alpha(p, q).tolist()
        rates += a
        for gamma, blocks in lengths.items():
            for first in range(len(a) - gamma + 1):
                if at[first + gamma - 1] - at[first] == gamma - 1:
                    blocks.append(1 + sum(math.prod(a[first:first + k]) for k in range(1, gamma + 1)))
    mean = lambda values: sum(values) / len(values)
    return dict(eval_loss=mean(losses), eval_acceptance_rate=mean(rates), eval_acceptance_length={g: mean(b) for g, b in lengths.items()})


def rate_of(step, peak, steps, warmup, decay, floor=0.1):
    if step < warmup: return peak * (step + 1) / warmup
    x = (step - warmup) / (steps - warmup)
    return peak * (floor + (1 - floor) * ((1 + math.cos(math.pi * x)) / 2 if decay == "cosine" else 1 - x))


def run(loss, rows_of_step, steps, learning_rate, warmup, decay, max_norm, weight_decay=0.01):
    draft = model("draft")
    matrices, vectors = ([v for v in draft.parameters() if (v.dim() > 1) == wanted] for wanted in (True, False))
    optimizer = torch.optim.AdamW([dict(params=matrices, weight_decay=weight_decay), dict(params=vectors, weight_decay=0.0)],
                                  betas=(0.9, 0.95), eps=1e-8)
    history = []
    for step in range(steps):
        optimizer.zero_grad()
        parts = [of_row(draft, r) for r in rows_of_step(step)]
        value = step_loss(loss, parts)
        value.backward()
        norm = get_total_norm([v.grad for v in draft.parameters()])
        clip_grad_norm_(draft.parameters(), max_norm)
        for group in optimizer.param_groups: group["lr"] = rate_of(step, learning_rate, steps, warmup, decay)
        optimizer.step()
        rate = torch.cat([alpha(p, q) for p, q, *_ in parts]).mean()
        history.append([value.item(), rate.item(), norm.item(), optimizer.param_groups[0]["lr"]])
    return dict(history=history, held_out=evaluated(draft))


settings = dict(steps=4, learning_rate=4e-3, warmup=2, decay="cosine", max_norm=0.15)
of_step = lambda step: rows[step % 2 * 6:][:6]  # in order, six a step, and again
runs = {loss: run(loss, of_step, **settings) for loss in [*of_position, "tvd++", "tvd++-sequence"]}
mixed = run("kld", lambda _: answers + texts, **dict(settings, decay="linear", max_norm=1.0), weight_decay=0.1)
rounded = json.loads(json.dumps(dict(start=evaluated(model("draft")), runs=runs, mixed=mixed)), parse_float=lambda x: float(f"{float(x):.9g}"))
compact = lambda value: json.dumps(value, separators=(",", ":"))
lines = lambda values: "[\n" + ",\n".join(map(compact, values)) + "\n]"
print("{")
print(f'"made": "transformers {transformers.__version__}, torch {torch.__version__.split("+")[0]}, float64",')
print(f'"configs": {compact(configs)},')
for name, values in dict(rows=rows, texts=texts, heldOut=held_out).items(): print(f'"{name}": {lines(values)},')
print(f'"start": {compact(rounded["start"])},')
print('"runs": {\n' + ",\n".join(f"{json.dumps(k)}: {compact(v)}" for k, v in rounded["runs"].items()) + "\n},")
print(f'"mixed": {compact(rounded["mixed"])}\n}}')
