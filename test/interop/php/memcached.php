<?php
// Plays scenarios through PHP's memcached extension: memcached.php text|binary HOST:PORT HOST:PORT.
// Prints "ok NAME" or "FAIL NAME: what", one a line.

function check($got, $wanted) {
    if ($got !== $wanted) {
        $texts = array_map(fn($each) => substr(var_export($each, true), 0, 200), [$got, $wanted]);
        throw new Exception("got $texts[0], wanted $texts[1]");
    }
}

function connect(array $addresses): Memcached {
    global $argv;
    $client = new Memcached();
    $client->setOption(Memcached::OPT_BINARY_PROTOCOL, $argv[1] === "binary");
    $client->setOption(Memcached::OPT_TCP_NODELAY, true);
    $client->setOption(Memcached::OPT_COMPRESSION, false);
    if (count($addresses) > 1) {
        $client->setOption(Memcached::OPT_LIBKETAMA_COMPATIBLE, true);
    }
    foreach ($addresses as $address) {
        [$host, $port] = explode(":", $address);
        $client->addServer($host, (int) $port);
    }
    return $client;
}

$scenarios = [
    "set_and_get" => function ($c) {
        check($c->get("absent"), false);
        check($c->getResultCode(), Memcached::RES_NOTFOUND);
        check($c->set("fruit", "apple"), true);
        check($c->get("fruit"), "apple");
        check($c->set("object", ["a" => [1, null, "\u{e4}"], "f" => 1.5]), true);
        check($c->get("object"), ["a" => [1, null, "\u{e4}"], "f" => 1.5]);
        check($c->set("number", 42), true);
        check($c->get("number"), 42);
        check($c->set("yes", true), true);
        check($c->get("yes"), true);
    },
    "add_and_replace" => function ($c) {
        check($c->replace("fruit", "pear"), false);
        check($c->add("fruit", "apple"), true);
        check($c->add("fruit", "plum"), false);
        $refusals = [Memcached::RES_NOTSTORED, Memcached::RES_DATA_EXISTS]; // text, binary
        check(in_array($c->getResultCode(), $refusals, true), true);
        check($c->replace("fruit", "pear"), true);
        check($c->get("fruit"), "pear");
    },
    "append_and_prepend" => function ($c) {
        check($c->append("word", "x"), false);
        check($c->set("word", "b"), true);
        check($c->append("word", "c"), true);
        check($c->prepend("word", "a"), true);
        check($c->get("word"), "abc");
    },
    "cas" => function ($c) {
        check($c->set("fruit", "apple"), true);
        $seen = $c->get("fruit", null, Memcached::GET_EXTENDED);
        check($seen["value"], "apple");
        check($c->cas($seen["cas"], "fruit", "pear"), true);
        check($c->cas($seen["cas"], "fruit", "plum"), false);
        check($c->getResultCode(), Memcached::RES_DATA_EXISTS);
    },
    "count" => function ($c) {
        check($c->increment("n"), false);
        check($c->set("n", 10), true);
        check($c->increment("n", 5), 15);
        check($c->decrement("n", 20), 0);
        check($c->get("n") + 0, 0);
    },
    "touch_and_delete" => function ($c) {
        check($c->touch("fruit", 100), false);
        check($c->set("fruit", "apple", 1000), true);
        check($c->touch("fruit", 2000), true);
        check($c->delete("fruit"), true);
        check($c->delete("fruit"), false);
        check($c->getResultCode(), Memcached::RES_NOTFOUND);
    },
    "many" => function ($c) {
        $pairs = [];
        for ($i = 0; $i < 300; $i++) $pairs["many-$i"] = "value-$i";
        check($c->setMulti($pairs), true);
        $found = $c->getMulti([...array_keys($pairs), "absent"]);
        ksort($found);
        ksort($pairs);
        check($found, $pairs);
        check($c->deleteMulti(["many-1", "many-2"]), ["many-1" => true, "many-2" => true]);
        check($c->getDelayed(["many-3", "many-4"], true), true);
        check(count($c->fetchAll()), 2);
    },
    "thirty_days" => function ($c) {
        check($c->set("month", "v", 2592000), true);
        check($c->get("month"), "v");
        check($c->set("past", "v", 2592001), true);
        check($c->get("past"), false);
        check($c->set("date", "v", time() + 1000), true);
        check($c->get("date"), "v");
    },
    "large_and_binary" => function ($c) {
        $bytes = implode("", array_map("chr", range(0, 255))) . "\r\nEND\r\n";
        check($c->set("bytes", $bytes), true);
        check($c->get("bytes"), $bytes);
        check($c->set("large", str_repeat("x", 1000000)), true);
        check(strlen($c->get("large")), 1000000);
        check($c->set("large", str_repeat("x", 1100000)), false);
        check($c->set("fruit", "apple"), true);
        check($c->get("fruit"), "apple");
    },
    "stats_and_version" => function ($c) {
        check(array_values($c->getStats())[0]["pid"] > 0, true);
        check(preg_match('/^\d+\.\d+\.\d+$/', array_values($c->getVersion())[0]), 1);
        check($c->flush(), true);
    },
];

function play(string $name, callable $scenario, ...$arguments) {
    try {
        $scenario(...$arguments);
        echo "ok $name\n";
    } catch (Throwable $error) {
        $line = $error->getTrace()[0]["line"] ?? "?";
        echo "FAIL $name: {$error->getMessage()} at line $line\n";
    }
}

$addresses = array_slice($argv, 2);
foreach ($scenarios as $name => $scenario) {
    $client = connect([$addresses[0]]);
    $client->flush();
    play($name, $scenario, $client);
}

play("several_servers", function () use ($addresses) {
    check(connect($addresses)->flush(), true);
    $pairs = [];
    for ($i = 0; $i < 200; $i++) $pairs["spread-$i"] = "value-$i";
    check(connect($addresses)->setMulti($pairs), true);
    check(count(connect($addresses)->getMulti(array_keys($pairs))), 200);
    $held = array_map(fn($one) => count(connect([$one])->getMulti(array_keys($pairs))), $addresses);
    check(array_sum($held), 200);
    check(in_array(0, $held, true), false);
});
