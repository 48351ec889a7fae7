"""Plays what web frameworks do with a cache: frameworks.py django|beaker HOST:PORT.

Prints one line a scenario: "ok NAME", or "FAIL NAME: what".
"""
import sys
import traceback

ADDRESS = sys.argv[2]


def check(got, wanted):
    if got != wanted:
        raise AssertionError("got %.200r, wanted %.200r" % (got, wanted))


def configure_django():
    import django
    from django.conf import settings

    def backend(name, **more):
        path = "django.core.cache.backends.memcached." + name
        return dict(BACKEND=path, LOCATION=ADDRESS, **more)

    settings.configure(
        CACHES={
            "default": backend("PyMemcacheCache", KEY_PREFIX="default"),
            "pylibmc": backend("PyLibMCCache", KEY_PREFIX="pylibmc"),
            "prefixed": backend("PyMemcacheCache", KEY_PREFIX="other", VERSION=7, TIMEOUT=1000),
        },
        SESSION_ENGINE="django.contrib.sessions.backends.cache",
        SECRET_KEY="test",
        USE_TZ=True,
    )
    django.setup()


def play_backend(cache):
    cache.clear()
    check(cache.get("absent"), None)
    check(cache.get("absent", "default"), "default")
    cache.set("object", {"list": [1, 2, 3], "text": "\u00e4\u20ac", "none": None})
    check(cache.get("object"), {"list": [1, 2, 3], "text": "\u00e4\u20ac", "none": None})
    check(cache.add("object", 1), False)
    check(cache.add("added", 1), True)
    check(cache.incr("added"), 2)
    check(cache.incr("added", 10), 12)
    check(cache.decr("added", 2), 10)
    try:
        cache.incr("absent")
        raise AssertionError("incr of an absent key did not raise")
    except ValueError:
        pass
    check(cache.touch("added", 1000), True)
    check(cache.touch("absent", 1000), False)
    check(cache.delete("added"), True)
    check(cache.delete("added"), False)
    check(cache.has_key("object"), True)
    check("absent" in cache, False)
    check(cache.set_many({"a": 1, "b": "two", "c": b"\x00\xff"}), [])
    check(cache.get_many(["a", "b", "c", "d"]), {"a": 1, "b": "two", "c": b"\x00\xff"})
    cache.delete_many(["a", "b"])
    check(cache.get_many(["a", "b", "c"]), {"c": b"\x00\xff"})
    check(cache.get_or_set("computed", lambda: 42), 42)
    check(cache.get_or_set("computed", lambda: 43), 42)
    cache.set("expired", 1, timeout=-1)
    check(cache.get("expired"), None)
    cache.set("for-ever", 1, timeout=None)
    check(cache.get("for-ever"), 1)
    cache.set("months", 1, timeout=90 * 24 * 60 * 60)  # Django makes this a date.
    check(cache.get("months"), 1)
    cache.set("big", "x" * 900000)
    check(len(cache.get("big")), 900000)
    cache.clear()
    check(cache.get("big"), None)


def pymemcache_cache():
    from django.core.cache import caches

    play_backend(caches["default"])


def pylibmc_cache():
    from django.core.cache import caches

    play_backend(caches["pylibmc"])


def versions_and_prefix():
    from django.core.cache import caches

    cache = caches["prefixed"]
    cache.clear()
    cache.set("key", "seven")
    cache.set("key", "eight", version=8)
    check(cache.get("key"), "seven")
    check(cache.get("key", version=8), "eight")
    check(caches["default"].get("key"), None)
    check(cache.incr_version("key", version=8), 9)
    check(cache.get("key", version=9), "eight")


def sessions():
    from django.contrib.sessions.backends.cache import SessionStore

    session = SessionStore()
    session["cart"] = ["apple", "pear"]
    session.save()
    check(SessionStore(session_key=session.session_key)["cart"], ["apple", "pear"])
    check(session.exists(session.session_key), True)
    session.delete()
    check(SessionStore().exists(session.session_key), False)


def open_session(**more):
    from beaker.session import Session

    options = dict(type="ext:memcached", url=ADDRESS, lock_dir="/tmp", use_cookies=False)
    return Session({}, **options, **more)


def session():
    made = open_session()
    made["user"] = {"name": "alice", "n": 1}
    made.save()
    again = open_session(id=made.id)
    check(again["user"], {"name": "alice", "n": 1})
    again["user"] = {"name": "bob"}
    again.save()
    third = open_session(id=made.id)
    check(third["user"], {"name": "bob"})
    del third["user"]
    third.save()
    check("user" in open_session(id=made.id), False)
    check("user" in open_session(id="another"), False)


def cache_region():
    from beaker.cache import CacheManager

    manager = CacheManager(type="ext:memcached", url=ADDRESS, lock_dir="/tmp", expire=1000)
    region = manager.get_cache("numbers")
    region.clear()
    calls = []

    def compute():
        calls.append(1)
        return {"answer": 42}

    check(region.get(key="answer", createfunc=compute), {"answer": 42})
    check(region.get(key="answer", createfunc=compute), {"answer": 42})
    check(len(calls), 1)
    region.remove_value("answer")
    check(region.get(key="answer", createfunc=compute), {"answer": 42})
    check(len(calls), 2)


SCENARIOS = {
    "django": [pymemcache_cache, pylibmc_cache, versions_and_prefix, sessions],
    "beaker": [session, cache_region],
}


def main():
    if sys.argv[1] == "django":
        configure_django()
    for scenario in SCENARIOS[sys.argv[1]]:
        try:
            scenario()
            print("ok", scenario.__name__, flush=True)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            lines = [frame.line for frame in frames if frame.filename == __file__][-2:]
            text = "%s %.400s" % (type(error).__name__, error)
            print("FAIL %s: %s at %s" % (scenario.__name__, text, lines), flush=True)


main()
