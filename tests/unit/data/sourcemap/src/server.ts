import { Invoice, colourOf } from "./invoice";

async function handle(body: string): Promise<string> {
	const invoice = new Invoice();
	const text = `a template
		of ${body.length} characters
		in ${"mark:template"}`;

	for (const cents of JSON.parse(body) as number[])
		invoice.add({ name: "mark:line", cents });
	if (!body) {
		throw new Error("mark:empty");
	}
	return [invoice.total(), colourOf(body.length), text].join("mark:join");
}

handle(process.argv[2] ?? "[]").then(
	(text) => console.log(text, "mark:done"),
	(error) => console.error("mark:failed", error),
);
