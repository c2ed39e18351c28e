"""Has an OpenAI-compatible engine answer a file of requests, as a Ray Data job.

    pip install "ray[data]"   # 2.51 or newer
    python answer_batch.py batch.jsonl results.jsonl --engine http://gpu-box:8000 [--engine http://other:8000]

`batch.jsonl` is what `outrider generate --write-batch` wrote, `results.jsonl` what `--read-batch` reads: both in OpenAI's batch
format. On a cluster: `ray job submit --working-dir . -- python answer_batch.py …`, or RAY_ADDRESS=auto.

Results come in any order. A job that was killed goes on with the requests that have none. Requests that fail in passing (429, 5xx, a
connection that breaks) are sent again, later each time and no sooner than Retry-After; what an engine refuses is written as an error,
and `outrider generate --write-batch` asks for it again. The key is read where requests are sent, from OUTRIDER_API_KEY or
--api-key-file, and written nowhere.
"""

import argparse
import json
import os
import random
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import ray


class Engine:
    """One of the actors that send requests, with so many on their way at once, to one engine after another."""

    def __init__(self, addresses, at_once, timeout, retries, api_key_file):
        key = open(api_key_file).read().strip() if api_key_file else os.environ.get("OUTRIDER_API_KEY", "")
        self.headers = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
        self.addresses = [address.rstrip("/").removesuffix("/v1") for address in addresses]
        self.turn = count(random.randrange(len(addresses)))
        self.threads = ThreadPoolExecutor(at_once)
        self.timeout = timeout
        self.retries = retries

    def __call__(self, batch):
        return {"line": list(self.threads.map(self.answer, batch["text"]))}

    def answer(self, line):
        request = json.loads(line)
        for attempt in range(self.retries + 1):
            status, body, wait = self.post(request["url"], request["body"])
            if status not in (0, 408, 409, 425, 429) and status < 500:
                break
            if attempt < self.retries:
                time.sleep(max(wait, min(60, 2**attempt) * (0.5 + random.random() / 2)))
        error = None if status == 200 else {"code": str(status), "message": message_in(body)}
        response = {"status_code": status, "body": body} if status else None
        return json.dumps({"custom_id": request["custom_id"], "response": response, "error": error}, ensure_ascii=False)

    def post(self, path, body):
        """The status, 0 where there was no answer; what was answered; and how long the engine says to wait."""
        address = self.addresses[next(self.turn) % len(self.addresses)]
        try:
            request = urllib.request.Request(address + path, json.dumps(body).encode(), self.headers)
            with urllib.request.urlopen(request, timeout=self.timeout) as response:
                return response.status, json.load(response), 0
        except urllib.error.HTTPError as error:
            wait = error.headers.get("retry-after", "0")
            return error.code, text_or_json(error.read()), float(wait) if wait.replace(".", "", 1).isdigit() else 1
        except (OSError, ValueError) as error:
            return 0, str(error), 0


def text_or_json(body):
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")[:1000]


def message_in(body):
    error = body.get("error", body) if isinstance(body, dict) else body
    return str(error.get("message", error) if isinstance(error, dict) else error)[:1000]


def answered(path):
    """The requests that have a result. A last line that a kill left unfinished is cut off."""
    ids, whole = set(), 0
    if not os.path.exists(path):
        return ids
    with open(path, "rb+") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            result = json.loads(line)
            if (result.get("response") or {}).get("status_code") == 200:
                ids.add(result["custom_id"])
            whole += len(line)
        file.truncate(whole)
    return ids


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("requests", help="what outrider generate --write-batch wrote")
    parser.add_argument("results", help="where results go; what it has is not asked for again")
    parser.add_argument("--engine", action="append", required=True, help="address of an engine; give it once for each")
    parser.add_argument("--actors", type=int, default=1, help="actors that send requests")
    parser.add_argument("--at-once", type=int, default=64, help="requests of an actor on their way at once")
    parser.add_argument("--block", type=int, default=256, help="requests that are written together: what a kill may cost")
    parser.add_argument("--timeout", type=float, default=600, help="seconds that an answer may take")
    parser.add_argument("--retries", type=int, default=8, help="how often a request that fails in passing is sent again")
    parser.add_argument("--api-key-file", help="a file with the key, on every node (default: OUTRIDER_API_KEY there)")
    flags = parser.parse_args()

    done = answered(flags.results)
    data = ray.data.read_text(flags.requests)
    if done:
        data = data.filter(lambda row: json.loads(row["text"])["custom_id"] not in done)
    lines = data.repartition(target_num_rows_per_block=flags.block).map_batches(
        Engine,
        fn_constructor_args=(flags.engine, flags.at_once, flags.timeout, flags.retries, flags.api_key_file),
        batch_size=flags.block,
        compute=ray.data.ActorPoolStrategy(size=flags.actors),
        num_cpus=0,  # it waits, and must not wait for a CPU that the reading of requests has
    )
    written = failed = 0
    with open(flags.results, "a", encoding="utf-8") as file:
        for row in lines.iter_rows():
            file.write(row["line"] + "\n")
            file.flush()
            written += 1
            failed += json.loads(row["line"])["error"] is not None
    print(json.dumps({"results": flags.results, "written": written, "failed": failed, "there": len(done)}))


if __name__ == "__main__":
    main()
