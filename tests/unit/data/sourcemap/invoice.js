"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.colourOf = exports.Invoice = void 0;
class Invoice {
    constructor() {
        this.lines = [];
    }
    add(line) {
        if (line.cents < 0)
            throw new RangeError("mark:negative");
        this.lines.push(line);
        return this;
    }
    /* ünïcödé and 𝒳 before a mark, in its line: */ total() { return this.sum() + "mark:total"; }
    sum() {
        let sum = 0;
        for (const line of this.lines)
            sum += line.cents;
        return sum;
    }
}
exports.Invoice = Invoice;
var Colour;
(function (Colour) {
    Colour["Red"] = "mark:red";
    Colour["Blue"] = "mark:blue";
})(Colour || (Colour = {}));
const colourOf = (cents) => (cents < 100 ? Colour.Red : Colour.Blue);
exports.colourOf = colourOf;
//# sourceMappingURL=invoice.js.map