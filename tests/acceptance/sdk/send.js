// Send events as an application does: key, host, how many.
const { Analytics } = require("@segment/analytics-node");

const [writeKey, host, many] = process.argv.slice(2);
const analytics = new Analytics({ writeKey, host, flushInterval: 200 });
analytics.on("error", (error) => {
  console.error(JSON.stringify(error));
  process.exitCode = 1;
});
for (let n = 0; n < Number(many); n++) {
  analytics.track({ userId: `u${n}`, event: "Order Completed", properties: { number: n } });
}
analytics.identify({ userId: "u1", traits: { email: "a@example.com" } });
analytics.closeAndFlush({ timeout: 25000 }); // what applications do when they end
