"""Plays the same scenarios through a Python client library: clients.py LIBRARY HOST:PORT HOST:PORT.

Prints one line a scenario: "ok NAME", or "FAIL NAME: what". The adapters give the three libraries one shape; values
are bytes going in and out, so that what is compared is what was stored.
"""
import sys
import time
import traceback

from adapters import LIBRARIES


def check(got, wanted):
    if got != wanted:
        raise AssertionError("got %.200r, wanted %.200r" % (got, wanted))


def set_and_get(client):
    check(client.get("absent"), None)
    check(client.set("fruit", b"apple"), True)
    check(client.get("fruit"), b"apple")
    check(client.set("fruit", b"pear"), True)
    check(client.get("fruit"), b"pear")


def add_and_replace(client):
    check(client.replace("fruit", b"pear"), False)
    check(client.add("fruit", b"apple"), True)
    check(client.add("fruit", b"plum"), False)
    check(client.replace("fruit", b"pear"), True)
    check(client.get("fruit"), b"pear")


def append_and_prepend(client):
    check(client.append("word", b"x"), False)
    check(client.prepend("word", b"x"), False)
    check(client.set("word", b"b"), True)
    check(client.append("word", b"c"), True)
    check(client.prepend("word", b"a"), True)
    check(client.get("word"), b"abc")


def compare_and_swap(client):
    check(client.set("fruit", b"apple"), True)
    value, unique = client.gets("fruit")
    check(value, b"apple")
    check(client.cas("fruit", b"pear", unique), True)
    check(client.cas("fruit", b"plum", unique), False)
    check(client.get("fruit"), b"pear")


def count(client):
    check(client.incr("n"), None)
    check(client.decr("n"), None)
    check(client.set("n", b"10"), True)
    check(client.incr("n"), 11)
    check(client.incr("n", 89), 100)
    check(client.decr("n", 95), 5)
    check(client.decr("n", 10), 0)  # decr stops at 0
    check(client.decr("n"), 0)
    check(client.incr("n", 2147483647), 2147483647)
    check(client.incr("n", 2147483647), 4294967294)


def touch(client):
    check(client.touch("fruit", 100), False)
    check(client.set("fruit", b"apple", 1000), True)
    check(client.touch("fruit", 0), True)
    check(client.get("fruit"), b"apple")


def delete(client):
    check(client.set("fruit", b"apple"), True)
    check(client.delete("fruit"), True)
    check(client.get("fruit"), None)
    check(client.delete("fruit"), False)


def many(client):
    pairs = {"many-%d" % index: b"value-%d" % index for index in range(300)}
    check(client.set_multi(pairs), True)
    check(client.get_multi(list(pairs) + ["absent-1", "absent-2"]), pairs)
    check(client.delete_multi(list(pairs)), True)
    check(client.get_multi(list(pairs)), {})


def thirty_days(client):
    month = 30 * 24 * 60 * 60
    check(client.set("month", b"v", month), True)
    check(client.get("month"), b"v")
    check(client.set("month-and-a-second", b"v", month + 1), True)  # a date in 1970
    check(client.get("month-and-a-second"), None)
    check(client.set("date", b"v", int(time.time()) + 1000), True)
    check(client.get("date"), b"v")
    check(client.set("past", b"v", int(time.time()) - 1000), True)
    check(client.get("past"), None)


def ttl(client):
    check(client.set("short", b"v", 2), True)
    check(client.get("short"), b"v")
    for _ in range(80):
        if client.get("short") is None:
            return
        time.sleep(0.1)
    raise AssertionError("still alive after 8 s")


def large_values(client):
    for size in (1000, 65536, 500000, 1000000):
        value = bytes(32 + index % 95 for index in range(1000)) * (size // 1000) + b"!"
        check(client.set("large-%d" % size, value), True)
        check(client.get("large-%d" % size) == value, True)


def too_large(client):
    check(client.set("large", b"small"), True)
    check(client.too_large("large", b"x" * (1024 * 1024)), False)
    check(client.set("fruit", b"apple"), True)
    check(client.get("fruit"), b"apple")


def binary_safe(client):
    value = bytes(range(256)) + b"\r\nEND\r\nVALUE x 0 3\r\n\0"
    check(client.set("bytes", value), True)
    check(client.get("bytes"), value)
    check(client.set("empty", b""), True)
    check(client.get("empty"), b"")


def long_key(client):
    key = "k" * 250
    check(client.set(key, b"v"), True)
    check(client.get(key), b"v")


SCENARIOS = [
    set_and_get,
    add_and_replace,
    append_and_prepend,
    compare_and_swap,
    count,
    touch,
    delete,
    many,
    thirty_days,
    ttl,
    large_values,
    too_large,
    binary_safe,
    long_key,
]


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def several_servers(library, addresses):
    """Keys spread over both servers; each server alone holds some of them, and none twice."""
    client = library(addresses)
    client.flush()
    pairs = {"spread-%d" % index: b"value-%d" % index for index in range(200)}
    check(client.set_multi(pairs), True)
    check(client.get_multi(list(pairs)), pairs)
    held = [library([one]).get_multi(list(pairs)) for one in addresses]
    check(sum(len(each) for each in held), len(pairs))
    if not all(held):
        raise AssertionError("one server holds everything")
    check(client.delete_multi(list(pairs)), True)


def play(name, scenario, *args):
    try:
        scenario(*args)
        print("ok", name, flush=True)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)
        line = [frame.line for frame in where if frame.filename == __file__][-2:]
        print("FAIL %s: %s %r at %s" % (name, type(error).__name__, str(error)[:400], line), flush=True)


def main():
    library = LIBRARIES[sys.argv[1]]
    addresses = [address(text) for text in sys.argv[2:4]]
    for scenario in SCENARIOS:
        client = library(addresses[:1])
        client.flush()
        play(scenario.__name__, scenario, client)
    play("several_servers", several_servers, library, addresses)


main()
