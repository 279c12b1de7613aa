// src/invoice.ts
var Invoice = class {
  lines = [];
  add(line) {
    if (line.cents < 0) throw new RangeError("mark:negative");
    this.lines.push(line);
    return this;
  }
  /* ünïcödé and 𝒳 before a mark, in its line: */
  total() {
    return this.sum() + "mark:total";
  }
  sum() {
    let sum = 0;
    for (const line of this.lines) sum += line.cents;
    return sum;
  }
};
var colourOf = (cents) => cents < 100 ? "mark:red" /* Red */ : "mark:blue" /* Blue */;

// src/server.ts
async function handle(body) {
  const invoice = new Invoice();
  const text = `a template
		of ${body.length} characters
		in ${"mark:template"}`;
  for (const cents of JSON.parse(body))
    invoice.add({ name: "mark:line", cents });
  if (!body) {
    throw new Error("mark:empty");
  }
  return [invoice.total(), colourOf(body.length), text].join("mark:join");
}
handle(process.argv[2] ?? "[]").then(
  (text) => console.log(text, "mark:done"),
  (error) => console.error("mark:failed", error)
);
//# sourceMappingURL=bundle.js.map
