#!/bin/sh
# A screen of its own for a wall, on Debian or Raspberry Pi OS with a desktop; and, with --server, the server on this machine.
#
#   sh recipes/kiosk.sh http://10.0.0.5:7860/wall            # this machine is a screen
#   sh recipes/kiosk.sh --server --preset artists --artists /home/pi/paintings    # server and screen in one
#
# It writes units of this user for systemd and starts them; nothing else is changed. `--remove` takes them away again.
set -eu

units="${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user"
mkdir -p "$units"

if [ "${1:-}" = "--remove" ]; then
    systemctl --user disable --now reverie-kiosk.service reverie-wall.service 2>/dev/null || true
    rm -f "$units/reverie-kiosk.service" "$units/reverie-wall.service"
    systemctl --user daemon-reload
    exit 0
fi

address="${1:-http://127.0.0.1:7860/wall}"
if [ "${1:-}" = "--server" ]; then
    shift
    address="http://127.0.0.1:7860/wall"
    program="$(command -v reverie)" || { echo "reverie is not installed for this user" >&2; exit 2; }
    secret="${XDG_CONFIG_HOME:-$HOME/.config}/reverie-wall.env"
    if [ ! -f "$secret" ]; then
        umask 077
        printf 'REVERIE_PASSWORD=%s\n' "$(head -c 12 /dev/urandom | base64 | tr '+/' 'ab')" > "$secret"
        echo "password of the moderation page: $(cut -d= -f2 "$secret")"
    fi
    cat > "$units/reverie-wall.service" <<UNIT
[Unit]
Description=Reverie booth and wall
After=network-online.target

[Service]
EnvironmentFile=$secret
ExecStart=$program wall --port 7860 $*
Restart=always
RestartSec=3

[Install]
WantedBy=default.target
UNIT
fi

browser="$(command -v chromium || command -v chromium-browser)" || { echo "chromium is missing: apt install chromium" >&2; exit 2; }
cat > "$units/reverie-kiosk.service" <<UNIT
[Unit]
Description=Reverie wall on this screen
After=graphical-session.target

[Service]
ExecStartPre=-/usr/bin/xset s off -dpms
ExecStart=$browser --kiosk --incognito --noerrdialogs --disable-session-crashed-bubble --disable-infobars --check-for-update-interval=31536000 --autoplay-policy=no-user-gesture-required --overscroll-history-navigation=0 $address
Restart=always
RestartSec=5

[Install]
WantedBy=graphical-session.target
UNIT

systemctl --user daemon-reload
[ -f "$units/reverie-wall.service" ] && systemctl --user enable --now reverie-wall.service
systemctl --user enable --now reverie-kiosk.service
echo "the wall is shown from $address; 'sh $0 --remove' takes it away"
