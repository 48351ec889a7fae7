import { describe, expect, test } from "vitest";
import { requestsOf } from "../../support/spoken.ts";

const KEY_250 = "k".repeat(250);
const KEY_251 = "k".repeat(251);

type Row = readonly [text: string, ...requests: string[]];

function table(name: string, rows: readonly Row[], options = {}): void {
  describe(name, () => {
    for (const [text, ...requests] of rows) {
      const shown = text.length > 80 ? `${text.slice(0, 60)}… (${text.length} bytes)` : text;
      test(`${JSON.stringify(shown)} is ${requests.join(", ").slice(0, 90)}`, () => {
        expect(requestsOf(text, options)).toEqual(requests);
      });
    }
  });
}

table("mg", [
  ["mg foo\r\n", "get foo"],
  ["mg foo v\r\n", "get foo wantsValue"],
  ["mg foo t v s k O123 q\r\n", "get foo wantsValue quiet"],
  ["mg foo u\r\n", "get foo noBump"],
  ["mg foo C5 v\r\n", "get foo unlessCas=5 wantsValue"],
  ["mg foo T30\r\n", "fetch foo exptime=130"],
  ["mg foo T-1\r\n", "fetch foo exptime=1"],
  ["mg foo T30 t\r\n", "fetch foo exptime=130"],
  ["mg foo t T30\r\n", "fetch foo exptime=130 exptimeBefore"],
  ["mg foo N30 E7 v\r\n", "fetch foo vivify=130 newCas=7 wantsValue"],
  ["mg foo N0\r\n", "fetch foo vivify=0"],
  ["mg foo R30\r\n", "fetch foo recache=130"],
  ["mg foo R-1\r\n", "fetch foo recache=1"],
  ["mg Zm9v b k\r\n", "get foo binaryKey"],
  ["mg foo P123456789012345678901234567890123 Lx\r\n", "get foo"],
  ["mg foo M F5 D3 J4 I x h f c s\r\n", "get foo"],
  ["mg foo h l\r\n", "fetch foo"],
  ["mg foo O\r\n", "get foo"],
  [`mg foo O${"x".repeat(31)}\r\n`, "get foo"],
  [`mg ${KEY_250}\r\n`, `get ${KEY_250}`],
  ["mg foo P L c f h k l s t v q u\r\n", "get foo noBump wantsValue quiet"],
]);

table("errors of the scanner", [
  ["mg\r\n", "error badFormat"],
  ["mg \r\n", "error badFormat"],
  [`mg ${KEY_251}\r\n`, "error badFormat"],
  ["mg foo S\r\n", "error invalidFlag"],
  ["mg foo W\r\n", "error invalidFlag"],
  ["mg foo X\r\n", "error invalidFlag"],
  ["mg foo Z\r\n", "error invalidFlag"],
  ["mg foo 5\r\n", "error invalidFlag"],
  ["mg foo _\r\n", "error invalidFlag"],
  ["mg foo noreply\r\n", "error invalidFlag"],
  ["mg foo v v\r\n", "error duplicateFlag"],
  ["mg foo T1 t T2\r\n", "error duplicateFlag"],
  ["mg foo q O1 O2\r\n", "error duplicateFlag"],
  ["mg Zm9v b b\r\n", "error duplicateFlag"],
  ["mg foo !\r\n", "error badFormat"],
  ["mg foo S !\r\n", "error badFormat"],
  ["mg foo v \x80\r\n", "error badFormat"],
  ["mg foo {\r\n", "error badFormat"],
  ["mg foo T\r\n", "error badToken"],
  ["mg foo Tx\r\n", "error badToken"],
  ["mg foo T2147483648\r\n", "error badToken"],
  ["mg foo N\r\n", "error badToken"],
  ["mg foo R1.5\r\n", "error badToken"],
  ["mg foo C\r\n", "error badToken"],
  ["mg foo C-1\r\n", "error badToken"],
  ["mg foo E18446744073709551616\r\n", "error badToken"],
  ["mg foo F\r\n", "error badFormat"],
  ["mg foo F4294967296\r\n", "error badFormat"],
  ["mg foo J\r\n", "error invalidInitialValue"],
  ["mg foo D\r\n", "error invalidDeltaValue"],
  ["mg foo D-1\r\n", "error invalidDeltaValue"],
  [`mg foo O${"x".repeat(32)}\r\n`, "error opaqueTooLong"],
  ["mg Zm9 b\r\n", "error badBase64Key"],
  ["mg !!!! b\r\n", "error badBase64Key"],
  ["mg foo b c C1 D1 E1 f F1 h I J1 k l L M N1 O P q R1 s t\r\n", "error tooManyFlags"],
  ["mg foo c C1 D1 E1 f F1 h I J1 k l L M N1 O P q R1 s\r\n", "error tooManyFlags"],
  [
    "mg foo c C1 D1 E1 f F1 h I J1 k l L M N1 O P q R1\r\n",
    "fetch foo vivify=101 recache=101 newCas=1 unlessCas=1 quiet",
  ],
]);

table("ms", [
  ["ms foo 3\r\nbar\r\n", "store set foo value=bar"],
  ["ms foo 3 T30 F5 c\r\nbar\r\n", "store set foo flags=5 exptime=130 value=bar"],
  ["ms foo 3 T-1\r\nbar\r\n", "store set foo exptime=1 value=bar"],
  ["ms foo 0\r\n\r\n", "store set foo value="],
  ["ms foo 3 MS\r\nbar\r\n", "store set foo value=bar"],
  ["ms foo 3 ME\r\nbar\r\n", "store add foo value=bar"],
  ["ms foo 3 MAppend\r\nbar\r\n", "store append foo value=bar"],
  ["ms foo 3 MP\r\nbar\r\n", "store prepend foo value=bar"],
  ["ms foo 3 MR\r\nbar\r\n", "store replace foo value=bar"],
  ["ms foo 3 C5\r\nbar\r\n", "store set foo value=bar cas=5"],
  ["ms foo 3 MR C0\r\nbar\r\n", "store replace foo value=bar cas=0"],
  ["ms foo 3 MA C5\r\nbar\r\n", "store append foo value=bar cas=5"],
  ["ms foo 3 ME C5\r\nbar\r\n", "store add foo value=bar"],
  ["ms foo 3 C5 I\r\nbar\r\n", "store set foo value=bar cas=5 invalidate"],
  ["ms foo 3 MA C5 I\r\nbar\r\n", "store append foo value=bar cas=5"],
  ["ms foo 3 I\r\nbar\r\n", "store set foo value=bar"],
  ["ms foo 3 E9\r\nbar\r\n", "store set foo value=bar newCas=9"],
  ["ms foo 3 MA N30\r\nbar\r\n", "store append foo value=bar vivify=130"],
  ["ms foo 3 N30\r\nbar\r\n", "store set foo value=bar"],
  ["ms Zm9v 3 b q\r\nbar\r\n", "store set foo value=bar binaryKey quiet"],
  ["ms foo 3 v u\r\nbar\r\n", "store set foo value=bar"],
]);

table("ms with an error", [
  ["ms foo\r\n", "error badFormat"],
  ["ms foo S3\r\nversion\r\n", "error badFormat", "version"],
  ["ms foo -1\r\nversion\r\n", "error badFormat", "version"],
  ["ms foo abc\r\nversion\r\n", "error badFormat", "version"],
  ["ms foo 2147483646\r\nversion\r\n", "error badFormat", "version"],
  ["ms foo 3 S3\r\nbar\r\nversion\r\n", "error invalidFlag swallow=5", "version"],
  ["ms foo 3 Mx\r\nbar\r\nversion\r\n", "error invalidStoreMode swallow=5", "version"],
  ["ms foo 3 M\r\nbar\r\nversion\r\n", "error invalidStoreMode swallow=5", "version"],
  ["ms foo 3 F-1\r\nbar\r\nversion\r\n", "error badFormat swallow=5", "version"],
  ["ms foo 3 F4294967296\r\nbar\r\nversion\r\n", "error badFormat swallow=5", "version"],
  [`ms ${KEY_251} 3\r\nbar\r\nversion\r\n`, "error badFormat swallow=5", "version"],
  ["ms foo 3 !\r\nversion\r\n", "error badFormat", "version"],
  [`ms ${KEY_251} 3 !\r\nversion\r\n`, "error badFormat", "version"],
  ["ms Zm9 3 b\r\nbar\r\nversion\r\n", "error badBase64Key swallow=5", "version"],
  [
    "ms foo 3 b c C1 D1 E1 f F1 h I J1 k l L M N1 O P q R1\r\nbar\r\nversion\r\n",
    "error tooManyFlags swallow=5",
    "version",
  ],
  ["ms foo 3 q\r\nbarba\r\n", "error badDataChunk quiet", "error badFormat"],
  ["ms f 2000000 ME q\r\n", "delete f tooLarge quiet swallow=2000002"],
  ["ms Zm9v 2000000 b C5\r\n", "delete foo binaryKey tooLarge swallow=2000002"],
  ["ms f 70000 c\r\n", "store set f streamed=70000"],
]);

table("md", [
  ["md foo\r\n", "delete remove foo"],
  ["md foo q\r\n", "delete remove foo quiet"],
  ["md foo C0\r\n", "delete remove foo cas=0"],
  ["md foo T30 E5 F5\r\n", "delete remove foo"],
  ["md foo I T30\r\n", "delete invalidate foo exptime=130"],
  ["md foo I F5\r\n", "delete invalidate foo"],
  ["md foo I E5\r\n", "delete invalidate foo newCas=5"],
  ["md foo x\r\n", "delete blank foo"],
  ["md foo x F5 T30\r\n", "delete blank foo exptime=130 flags=5"],
  ["md foo I x C9\r\n", "delete invalidateBlank foo cas=9"],
  ["md Zm9v b\r\n", "delete remove foo binaryKey"],
  ["md\r\n", "error badFormat"],
  ["md foo D\r\n", "error invalidDeltaValue"],
  ["md foo z\r\n", "error invalidFlag"],
]);

table("ma", [
  ["ma foo\r\n", "arithmetic increment foo delta=1"],
  ["ma foo D5 v\r\n", "arithmetic increment foo delta=5 wantsValue"],
  ["ma foo MI\r\n", "arithmetic increment foo delta=1"],
  ["ma foo M+\r\n", "arithmetic increment foo delta=1"],
  ["ma foo MD\r\n", "arithmetic decrement foo delta=1"],
  ["ma foo M-x\r\n", "arithmetic decrement foo delta=1"],
  ["ma foo N30 J7\r\n", "arithmetic increment foo delta=1 initial=7 vivify=130"],
  ["ma foo N0\r\n", "arithmetic increment foo delta=1 initial=0 vivify=0"],
  ["ma foo t T30\r\n", "arithmetic increment foo exptime=130 delta=1 exptimeBefore"],
  ["ma foo C5\r\n", "arithmetic increment foo delta=1 cas=5"],
  ["ma foo C0\r\n", "arithmetic increment foo delta=1"],
  ["ma foo E5 q\r\n", "arithmetic increment foo delta=1 newCas=5 quiet"],
  ["ma foo Mi\r\n", "error invalidArithmeticMode"],
  ["ma foo M\r\n", "error invalidArithmeticMode"],
  ["ma foo MX\r\n", "error invalidArithmeticMode"],
  ["ma\r\n", "error badFormat"],
  ["ma foo !\r\n", "error badFormat"],
  ["ma foo z\r\n", "error invalidOrDuplicateFlag"],
  ["ma foo v v\r\n", "error invalidOrDuplicateFlag"],
  ["ma foo D-1\r\n", "error invalidOrDuplicateFlag"],
  ["ma foo T\r\n", "error invalidOrDuplicateFlag"],
  ["ma Zm9 b\r\n", "error invalidOrDuplicateFlag"],
  [`ma ${KEY_251}\r\n`, "error invalidOrDuplicateFlag"],
]);

table("mn, me", [
  ["mn\r\n", "noop"],
  ["mn foo q\r\n", "noop"],
  ["me foo\r\n", "inspect foo noBump"],
  ["me Zm9v b\r\n", "inspect foo noBump binaryKey"],
  ["me Zm9v b x\r\n", "inspect foo noBump binaryKey"],
  ["me foo Z !\r\n", "inspect foo noBump"],
  ["me Zm9 b\r\n", "error badFormat"],
  ["me Zm9v x b\r\n", "inspect Zm9v noBump"],
  ["me\r\n", "error badFormat"],
  [`me ${KEY_251}\r\n`, "error badFormat"],
  ["mx foo\r\n", "error unknownCommand"],
  ["mgx foo\r\n", "error unknownCommand"],
  ["m foo\r\n", "error unknownCommand"],
]);

table(
  "without CAS, E is ignored",
  [
    ["ms foo 1 E9\r\nx\r\n", "store set foo value=x"],
    ["md foo I E9\r\n", "delete invalidate foo"],
    ["ma foo E9\r\n", "arithmetic increment foo delta=1"],
    ["mg foo N0 E9\r\n", "fetch foo vivify=0"],
  ],
  { casEnabled: false },
);
