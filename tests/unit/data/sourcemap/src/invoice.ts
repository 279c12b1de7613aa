// What a bundler and a compiler make of this is beside it; tests look their marks up in both.
export interface Line {
	readonly name: string;
	readonly cents: number;
}

export class Invoice {
	private readonly lines: Line[] = [];

	add(line: Line): this {
		if (line.cents < 0) throw new RangeError("mark:negative");
		this.lines.push(line);
		return this;
	}

	/* ünïcödé and 𝒳 before a mark, in its line: */ total(): string { return this.sum() + "mark:total"; }

	private sum(): number {
		let sum = 0;
		for (const line of this.lines) sum += line.cents;
		return sum;
	}
}

enum Colour {
	Red = "mark:red",
	Blue = "mark:blue",
}

export const colourOf = (cents: number): Colour => (cents < 100 ? Colour.Red : Colour.Blue);
