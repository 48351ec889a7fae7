# Plays scenarios through Dalli: dalli.rb HOST:PORT HOST:PORT. Prints "ok NAME" or "FAIL NAME: what", one a line.
require "dalli"
Dalli.logger.level = Logger::ERROR

ADDRESSES = ARGV

def check(got, wanted)
  raise "got #{got.inspect[0, 200]}, wanted #{wanted.inspect[0, 200]}" unless got == wanted
end

SCENARIOS = {
  "set_and_get" => lambda { |c|
    check(c.get("absent"), nil)
    raise "not stored" unless c.set("fruit", "apple")
    check(c.get("fruit"), "apple")
    c.set("object", { "a" => [1, nil, "\u00e4"] })
    check(c.get("object"), { "a" => [1, nil, "\u00e4"] })
  },
  "add_and_replace" => lambda { |c|
    c.replace("fruit", "pear")
    check(c.get("fruit"), nil)
    raise "not added" unless c.add("fruit", "apple")
    check(c.add("fruit", "plum") ? true : false, false)
    raise "not replaced" unless c.replace("fruit", "pear")
    check(c.get("fruit"), "pear")
  },
  "append_and_prepend" => lambda { |c|
    check(c.append("word", "x"), false)
    c.set("word", "b", 0, raw: true)
    check(c.append("word", "c"), true)
    check(c.prepend("word", "a"), true)
    check(c.get("word", raw: true), "abc")
  },
  "cas" => lambda { |c|
    check(c.cas("fruit") { |value| value }, nil)
    c.set("fruit", 1)
    raise "not swapped" unless c.cas("fruit") { |value| value + 1 }
    check(c.get("fruit"), 2)
    check(c.cas("fruit") { |value| c.set("fruit", 9); value + 1 }, false)
  },
  "count" => lambda { |c|
    check(c.incr("n", 1), nil)
    check(c.incr("n", 1, nil, 10), 10)
    check(c.incr("n", 5), 15)
    check(c.decr("n", 20), 0)
    check(c.incr("n", 2**63), 2**63)
  },
  "touch_and_delete" => lambda { |c|
    check(c.touch("fruit", 100), nil)
    c.set("fruit", "apple", 1000)
    check(c.touch("fruit", 2000), true)
    check(c.gat("fruit", 3000), "apple")
    check(c.delete("fruit"), true)
    check(c.delete("fruit") ? true : false, false)
  },
  "many" => lambda { |c|
    c.multi { 300.times { |i| c.set("many-#{i}", i) } }
    check(c.get_multi((0...300).map { |i| "many-#{i}" } + ["absent"]).size, 300)
    check(c.fetch("many-7") { 0 }, 7)
    check(c.fetch("computed") { 42 }, 42)
    check(c.get("computed"), 42)
  },
  "large_and_binary" => lambda { |c|
    bytes = (0..255).to_a.pack("C*") + "\r\nEND\r\n"
    c.set("bytes", bytes, 0, raw: true)
    check(c.get("bytes", raw: true).b, bytes.b)
    c.set("large", "x" * 1_000_000, 0, raw: true, compress: false)
    check(c.get("large", raw: true).size, 1_000_000)
  },
  "stats_and_version" => lambda { |c|
    check(c.stats.values.first["pid"].to_i > 0, true)
    raise "no version" unless c.version.values.first =~ /\A\d+\.\d+\.\d+\z/
    check(c.alive!.nil?, false)
  },
}

def play(name)
  yield
  puts "ok #{name}"
rescue StandardError, NoMethodError => e
  puts "FAIL #{name}: #{e.class} #{e.message[0, 300]} at #{e.backtrace.grep(/dalli\.rb:\d+:in/).first}"
end

SCENARIOS.each do |name, scenario|
  client = Dalli::Client.new(ADDRESSES.first, socket_timeout: 10)
  client.flush
  play(name) { scenario.call(client) }
  client.close
end

play("several_servers") do
  client = Dalli::Client.new(ADDRESSES, socket_timeout: 10)
  client.flush
  200.times { |i| client.set("spread-#{i}", i) }
  keys = (0...200).map { |i| "spread-#{i}" }
  check(client.get_multi(keys).size, 200)
  held = ADDRESSES.map { |one| Dalli::Client.new(one).get_multi(keys).size }
  check(held.sum, 200)
  check(held.include?(0), false)
end
