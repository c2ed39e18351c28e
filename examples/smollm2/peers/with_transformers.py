"""Greedy answers of transformers, plain, with drafts (`assistant_model`) and with prompt lookup, in float32.

    python3 -m venv .venv/transformers && .venv/transformers/bin/pip install torch==2.13.0 "transformers==5.24.*"
    .venv/transformers/bin/python peers/with_transformers.py --draft NAME=DIR

Tokens per pass count the prompt's pass, which verifies a draft already.
"""

import torch
from answers import Log, arguments, drafted, in_turns, line, plain, run
from transformers import AutoModelForCausalLM
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()

ENGINE = "transformers"


class Rounds:
    """Tokens drafted for each pass of the target and given by it: its streamer, and a hook before its passes."""

    def __init__(self, prompt_length):
        self.prompt_length, self.drafted, self.given = prompt_length, [], []

    def before_pass(self, _module, _inputs, named):
        width = named["input_ids"].shape[1]
        self.drafted.append(width - 1 if self.drafted else width - self.prompt_length)

    def put(self, ids):
        self.given.append(ids.numel())

    def end(self):
        # The first that it was given are the prompt.
        self.given = self.given[1:]


def main():
    given = arguments(__doc__)
    log, prompts = Log(given.log), in_turns(given.prompts, given.each)

    def load(folder):
        return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    target = load(given.target)

    def answer(ids, **how):
        rounds = Rounds(len(ids))
        asked = torch.tensor([ids])
        hook = target.register_forward_pre_hook(rounds.before_pass, with_kwargs=True)
        try:
            said = target.generate(
                asked,
                attention_mask=torch.ones_like(asked),
                max_new_tokens=given.max_tokens,
                do_sample=False,
                streamer=rounds,
                **how,
            )
        finally:
            hook.remove()
        return said[0, len(ids) :].tolist(), rounds

    def plainly(ids):
        return line(answer(ids)[0])

    def with_draft(by_model, **how):
        def answered(ids):
            new, rounds = answer(ids, **how)
            pairs = list(zip(rounds.given, rounds.drafted, strict=True))
            if sum(rounds.given) != len(new):
                raise RuntimeError(f"{sum(rounds.given)} tokens were streamed and {len(new)} given: another transformers than 5.24?")
            offered = sum(rounds.drafted)
            return line(
                new,
                tokens=len(new),
                passes=len(pairs),
                drafted=offered,
                by_model=offered if by_model else 0,
                accepted=sum(n - 1 for n, _ in pairs),
                # The first that is refused was reached, too.
                reached=sum(min(n, length) for n, length in pairs),
            )

        return answered

    log.answer(plain(ENGINE), prompts, plainly)
    for length in given.draft_length:
        log.answer(drafted(ENGINE, "lookup", length), prompts, with_draft(False, prompt_lookup_num_tokens=length))
    for name, folder in given.draft:
        draft = load(folder)
        for length in given.draft_length:
            # Given to generate these count for nothing: they are read in the draft's own generation_config.
            config = draft.generation_config
            config.num_assistant_tokens, config.assistant_confidence_threshold = length, 0.0
            config.num_assistant_tokens_schedule = "constant"
            log.answer(drafted(ENGINE, f"draft {name}", length), prompts, with_draft(True, assistant_model=draft))


run(main)
