"""Gives pymemcache, python-memcached and pylibmc one shape; values are bytes going in and out."""


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
