"""Records what chat templates give: `python record.py` in this folder, with transformers 5.24.0 and jinja2 3.1.6.

Writes the results in situations.json and walk.json anew from the templates in them. A result is a text, the kind of an
error as `{"error": …}`, or `{"varies": true}` where it is by chance or has addresses of memory.
"""
import json
import re

import jinja2
import jinja2.sandbox
from transformers.utils.chat_template_utils import _compile_jinja_template


def render(template, messages, generation):
    try:
        text = _compile_jinja_template(template).render(
            messages=messages,
            tools=None,
            documents=None,
            add_generation_prompt=generation,
            bos_token="<s>",
            eos_token="</s>",
        )
        return {"varies": True} if re.search(r" at 0x[0-9a-f]+", text) or "lipsum" in template else text
    except Exception as error:
        return {"error": type(error).__name__}


def dump(name, value):
    """A line for each thing in each part."""
    def lines(part):
        pairs = part.items() if isinstance(part, dict) else ((None, item) for item in part)
        written = [("" if key is None else json.dumps(key) + ": ") + json.dumps(item) for key, item in pairs]
        marks = "{}" if isinstance(part, dict) else "[]"
        return marks[0] + "\n" + ",\n".join(written) + "\n" + marks[1]

    with open(name, "w") as file:
        file.write("{\n" + ",\n".join(json.dumps(key) + ": " + lines(part) for key, part in value.items()) + "\n}\n")


with open("situations.json") as file:
    situations = json.load(file)
situations["results"] = {
    name: {
        conversation: [render(template, messages, generation) for generation in (False, True)]
        for conversation, messages in situations["conversations"].items()
    }
    for name, template in situations["templates"].items()
}
dump("situations.json", situations)

with open("walk.json") as file:
    walk = json.load(file)
environment = jinja2.sandbox.ImmutableSandboxedEnvironment()
public = lambda kind: [name for name in dir(kind) if not name.startswith("_")]
walk["names"] = {
    "filters": sorted(environment.filters),
    "tests": sorted(environment.tests),
    "globals": sorted({*environment.globals, "raise_exception", "strftime_now"}),
    **{kind.__name__: public(kind) for kind in (str, list, tuple, dict, int, float, range)},
}
walk["cases"] = [[template, render(template, walk["messages"], True)] for template, *_ in walk["cases"]]
dump("walk.json", walk)
