"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
const invoice_1 = require("./invoice");
async function handle(body) {
    const invoice = new invoice_1.Invoice();
    const text = `a template
		of ${body.length} characters
		in ${"mark:template"}`;
    for (const cents of JSON.parse(body))
        invoice.add({ name: "mark:line", cents });
    if (!body) {
        throw new Error("mark:empty");
    }
    return [invoice.total(), (0, invoice_1.colourOf)(body.length), text].join("mark:join");
}
handle(process.argv[2] ?? "[]").then((text) => console.log(text, "mark:done"), (error) => console.error("mark:failed", error));
//# sourceMappingURL=server.js.map