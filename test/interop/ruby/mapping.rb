# Stores key-0 … key-999 on the servers given.
require "dalli"

client = Dalli::Client.new(ARGV)
1000.times { |number| client.set("key-#{number}", "x") or abort("key-#{number} was not stored") }
puts "stored"
