# A resident command: it answers each line of JSON with one line of JSON, until there are no more lines.
import json
import sys

for line in sys.stdin:
    try:
        words = json.loads(line).split()
        answer = {"words": len(words), "longest": max(words, key=len)}
    except (AttributeError, ValueError):
        answer = {"error": "Give a text with words."}
    print(json.dumps(answer), flush=True)
