<?php
// Stores key-0 … key-999 on the servers given, mapped as the first argument says.
[, $how] = $argv;
$client = new Memcached();
$weights = [];
switch ($how) {
    case "ketama":
    case "ketama-weighted":
        $client->setOption(Memcached::OPT_LIBKETAMA_COMPATIBLE, true);
        break;
    case "consistent":
        $client->setOption(Memcached::OPT_DISTRIBUTION, Memcached::DISTRIBUTION_CONSISTENT);
        break;
    case "consistent-md5":
        $client->setOption(Memcached::OPT_DISTRIBUTION, Memcached::DISTRIBUTION_CONSISTENT);
        $client->setOption(Memcached::OPT_HASH, Memcached::HASH_MD5);
        break;
    case "modula":
        break;
    default:
        exit("no such mapping: $how\n");
}
foreach (array_slice($argv, 2) as $index => $address) {
    [$host, $port] = explode(":", $address);
    $client->addServer($host, (int) $port, $how === "ketama-weighted" ? $index + 1 : 0);
}
for ($i = 0; $i < 1000; $i++) {
    if (!$client->set("key-$i", "x")) {
        exit("key-$i: " . $client->getResultMessage() . "\n");
    }
}
echo "stored\n";
