/** What a node that holds nothing shows: where it is, and a first line in your language. */
import { byId, el, segments } from "./dom.js";

const LANGUAGES = [
  [
    "Shell",
    ({ host, port }) =>
      `printf 'set greeting 0 60 5\\r\\nhello\\r\\nget greeting\\r\\nquit\\r\\n' | nc ${host} ${port}`,
  ],
  [
    "Node",
    ({ where }) =>
      `// npm install memjs\nimport { Client } from "memjs";\nconst cache = Client.create("${where}");\nawait cache.set("greeting", "hello", { expires: 60 });\nconsole.log(String((await cache.get("greeting")).value));`,
  ],
  [
    "Python",
    ({ host, port }) =>
      `# pip install pymemcache\nfrom pymemcache.client.base import Client\ncache = Client(("${host}", ${port}))\ncache.set("greeting", "hello", expire=60)\nprint(cache.get("greeting"))`,
  ],
  [
    "PHP",
    ({ host, port }) =>
      `$cache = new Memcached();\n$cache->addServer("${host}", ${port});\n$cache->set("greeting", "hello", 60);\necho $cache->get("greeting");`,
  ],
  [
    "Go",
    ({ where }) =>
      `// go get github.com/bradfitz/gomemcache/memcache\ncache := memcache.New("${where}")\ncache.Set(&memcache.Item{Key: "greeting", Value: []byte("hello"), Expiration: 60})\nitem, _ := cache.Get("greeting")\nfmt.Println(string(item.Value))`,
  ],
  [
    "Ruby",
    ({ where }) =>
      `# gem install dalli\nrequire "dalli"\ncache = Dalli::Client.new("${where}")\ncache.set("greeting", "hello", 60)\nputs cache.get("greeting")`,
  ],
  [
    "Java",
    ({ host, port }) =>
      `// net.spy:spymemcached\nvar cache = new MemcachedClient(new InetSocketAddress("${host}", ${port}));\ncache.set("greeting", 60, "hello").get();\nSystem.out.println(cache.get("greeting"));`,
  ],
];

/** Where clients find a listener: "*" and 0.0.0.0 are this machine, as the page reached it. */
function placeOf(address) {
  const at = address.lastIndexOf(":");
  const bound = address.slice(0, at).replace(/^\[|\]$/g, "");
  const port = address.slice(at + 1);
  const any = bound === "0.0.0.0" || bound === "::" || bound === "*";
  const host = any ? location.hostname : bound;
  return { host, port, where: `${host.includes(":") ? `[${host}]` : host}:${port}` };
}

export class Welcome {
  #place = null;
  #unix = "";
  #language = 0;

  constructor() {
    const choices = byId("welcome-language");
    LANGUAGES.forEach(([name], index) => {
      const input = el("input", { type: "radio", name: "language", value: String(index) });
      input.checked = index === 0;
      choices.append(el("label", {}, input, el("span", {}, name)));
    });
    segments(choices, (index) => {
      this.#language = Number(index);
      this.#show();
    });
    byId("welcome-copy").addEventListener("click", () => void this.#copy());
  }

  /** `addresses` are those the cache listens on. */
  setAddresses(addresses) {
    const isPath = (address) => address.includes("/");
    const tcp = addresses.find((address) => !isPath(address));
    this.#unix = (addresses.find(isPath) ?? "").replace(/^unix:/, "");
    this.#place = tcp === undefined ? null : placeOf(tcp);
    this.#show();
  }

  /** Until something is stored. */
  update({ items, rates }) {
    byId("welcome").hidden = items > 0 || rates.hits + rates.sets > 0;
  }

  #show() {
    const place = this.#place;
    byId("welcome-address").textContent = place?.where ?? this.#unix;
    byId("welcome-code").textContent =
      place === null ? `nc -U ${this.#unix}` : LANGUAGES[this.#language][1](place);
  }

  async #copy() {
    const button = byId("welcome-copy");
    try {
      await navigator.clipboard.writeText(byId("welcome-code").textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(byId("welcome-code"));
      button.textContent = "Selected: copy it";
    }
  }
}
