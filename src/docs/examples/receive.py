# Receives callbacks until one is verified, and prints what it tells. Usage: receive.py PORT SECRET
import base64, hashlib, hmac, http.server, json, sys, time

key = base64.b64decode(sys.argv[2].removeprefix("whsec_"))
verified = []


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signed = b"%s.%s.%s" % (self.headers["webhook-id"].encode(), self.headers["webhook-timestamp"].encode(), body)
        right = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        fresh = abs(time.time() - int(self.headers["webhook-timestamp"])) < 300
        signatures = self.headers["webhook-signature"].split(" ")  # two while the secret is being changed
        good = fresh and any(hmac.compare_digest(right, one) for one in signatures)
        self.send_response(204 if good else 401)
        self.end_headers()
        if good:
            verified.append(json.loads(body))

    def log_message(self, *args):
        pass


server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
while not verified:
    server.handle_request()
batch = verified[0]["data"]
print(verified[0]["type"], batch["id"], batch["outcome"], batch["counts"]["succeeded"], "of", batch["counts"]["total"])
