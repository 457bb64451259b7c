// Preloaded into a gateway: its clock is wrong by CLOCK_SHIFT milliseconds, and right at every other SIGUSR2.
const RealDate = Date;
const wrongBy = Number(process.env.CLOCK_SHIFT);
let shift = wrongBy;

globalThis.Date = class extends RealDate {
  constructor(...parts) {
    if (parts.length > 0) super(...parts);
    else super(RealDate.now() + shift);
  }

  static now() {
    return RealDate.now() + shift;
  }
};

process.on("SIGUSR2", () => {
  shift = shift === 0 ? wrongBy : 0;
});
