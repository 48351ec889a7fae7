"""Stores key-0 ... key-999 on the servers given, mapped as the first argument says."""
import sys

how, *addresses = sys.argv[1:]
KEYS = ["key-%d" % number for number in range(1000)]


def with_pylibmc(behaviors):
    import pylibmc

    client = pylibmc.Client(addresses, behaviors=behaviors)
    for key in KEYS:
        assert client.set(key, "x")


def with_python_memcached():
    import memcache

    client = memcache.Client(addresses)
    for key in KEYS:
        assert client.set(key, "x")


def with_pymemcache():
    from pymemcache.client.hash import HashClient

    client = HashClient([(host, int(port)) for host, port in (a.split(":") for a in addresses)])
    for key in KEYS:
        assert client.set(key, "x", noreply=False)


{
    "pylibmc ketama_weighted": lambda: with_pylibmc({"ketama_weighted": True}),
    "pylibmc ketama": lambda: with_pylibmc({"ketama": True}),
    "pylibmc ketama md5": lambda: with_pylibmc({"ketama": True, "hash": "md5"}),
    "pylibmc": lambda: with_pylibmc({}),
    "python-memcached": with_python_memcached,
    "pymemcache": with_pymemcache,
}[how]()
print("stored")
