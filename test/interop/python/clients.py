"""Plays the same scenarios through a Python client library: clients.py LIBRARY HOST:PORT HOST:PORT.

Prints one line a scenario: "ok NAME", or "FAIL NAME: what". The adapters give the three libraries one shape; values
are bytes going in and out, so that what is compared is what was stored.
"""
import sys
import time
import traceback


class Pymemcache:
    """pymemcache: the Client for one server, HashClient for several."""

    def __init__(self, servers):
        from pymemcache.client.base import Client
        from pymemcache.client.hash import HashClient

        options = dict(connect_timeout=10, timeout=10, default_noreply=False)
        if len(servers) == 1:
            self.client = Client(servers[0], **options)
        else:
            self.client = HashClient(servers, **options)

    def set(self, key, value, ttl=0):
        return self.client.set(key, value, expire=ttl)

    def add(self, key, value):
        return self.client.add(key, value)

    def replace(self, key, value):
        return self.client.replace(key, value)

    def append(self, key, value):
        return self.client.append(key, value)

    def prepend(self, key, value):
        return self.client.prepend(key, value)

    def get(self, key):
        return self.client.get(key)

    def gets(self, key):
        return self.client.gets(key)

    def cas(self, key, value, unique):
        return self.client.cas(key, value, unique) is True

    def incr(self, key, delta=1):
        return self.client.incr(key, delta)

    def decr(self, key, delta=1):
        return self.client.decr(key, delta)

    def touch(self, key, ttl):
        return self.client.touch(key, ttl)

    def delete(self, key):
        return self.client.delete(key)

    def get_multi(self, keys):
        return self.client.get_many(keys)

    def set_multi(self, pairs):
        return self.client.set_many(pairs) == []

    def delete_multi(self, keys):
        return self.client.delete_many(keys)

    def flush(self):
        return self.client.flush_all()

    def too_large(self, key, value):
        try:
            return self.client.set(key, value) is True
        except Exception:  # The library raises for SERVER_ERROR.
            return False


class PythonMemcached:
    """python-memcached ("import memcache"): text goes in, text comes out."""

    def __init__(self, servers):
        import memcache

        memcache.SERVER_MAX_VALUE_LENGTH = 8 * 1024 * 1024
        names = ["%s:%d" % server for server in servers]
        self.client = memcache.Client(names, cache_cas=True, server_max_value_length=8 << 20)

    @staticmethod
    def _in(value):
        return value.decode("latin1")

    @staticmethod
    def _out(value):
        return None if value is None else value.encode("latin1")

    def set(self, key, value, ttl=0):
        return bool(self.client.set(key, self._in(value), time=ttl))

    def add(self, key, value):
        return bool(self.client.add(key, self._in(value)))

    def replace(self, key, value):
        return bool(self.client.replace(key, self._in(value)))

    def append(self, key, value):
        return bool(self.client.append(key, self._in(value)))

    def prepend(self, key, value):
        return bool(self.client.prepend(key, self._in(value)))

    def get(self, key):
        return self._out(self.client.get(key))

    def gets(self, key):
        value = self._out(self.client.gets(key))
        return value, self.client.cas_ids.get(key)

    def cas(self, key, value, unique):
        self.client.cas_ids[key] = unique
        return bool(self.client.cas(key, self._in(value)))

    def incr(self, key, delta=1):
        return self.client.incr(key, delta)

    def decr(self, key, delta=1):
        return self.client.decr(key, delta)

    def touch(self, key, ttl):
        return bool(self.client.touch(key, ttl))

    def delete(self, key):
        # The library takes NOT_FOUND for success: ask first.
        was_there = self.client.get(key) is not None
        return bool(self.client.delete(key)) and was_there

    def get_multi(self, keys):
        return {key: self._out(value) for key, value in self.client.get_multi(keys).items()}

    def set_multi(self, pairs):
        return self.client.set_multi({key: self._in(value) for key, value in pairs.items()}) == []

    def delete_multi(self, keys):
        return bool(self.client.delete_multi(keys))

    def flush(self):
        self.client.flush_all()
        return True

    def too_large(self, key, value):
        return bool(self.client.set(key, self._in(value)))


class Pylibmc:
    """pylibmc, over libmemcached: text protocol, or binary."""

    binary = False

    def __init__(self, servers):
        import pylibmc

        self.module = pylibmc
        names = ["%s:%d" % server for server in servers]
        behaviors = {"cas": True, "ketama": len(servers) > 1, "tcp_nodelay": True}
        self.client = pylibmc.Client(names, binary=self.binary, behaviors=behaviors)

    def _quiet(self, call, *args):
        try:
            return call(*args)
        except self.module.NotFound:
            return None

    def set(self, key, value, ttl=0):
        return self.client.set(key, value, time=ttl)

    def add(self, key, value):
        return self.client.add(key, value)

    def replace(self, key, value):
        return bool(self._quiet(self.client.replace, key, value))

    def append(self, key, value):
        return bool(self._quiet(self.client.append, key, value))

    def prepend(self, key, value):
        return bool(self._quiet(self.client.prepend, key, value))

    def get(self, key):
        return self.client.get(key)

    def gets(self, key):
        return self.client.gets(key)

    def cas(self, key, value, unique):
        return bool(self._quiet(self.client.cas, key, value, unique))

    def incr(self, key, delta=1):
        return self._quiet(self.client.incr, key, delta)

    def decr(self, key, delta=1):
        return self._quiet(self.client.decr, key, delta)

    def touch(self, key, ttl):
        return bool(self._quiet(self.client.touch, key, ttl))

    def delete(self, key):
        return bool(self._quiet(self.client.delete, key))

    def get_multi(self, keys):
        return self.client.get_multi(keys)

    def set_multi(self, pairs):
        return self.client.set_multi(pairs) == []

    def delete_multi(self, keys):
        return self.client.delete_multi(keys)

    def flush(self):
        return self.client.flush_all()

    def too_large(self, key, value):
        try:
            return bool(self.client.set(key, value))
        except self.module.Error:
            return False


class PylibmcBinary(Pylibmc):
    binary = True


LIBRARIES = {
    "pymemcache": Pymemcache,
    "python-memcached": PythonMemcached,
    "pylibmc": Pylibmc,
    "pylibmc-binary": PylibmcBinary,
}


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
