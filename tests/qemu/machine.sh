#!/bin/sh
# Turns the root file system of the lab's guests into that of a virtual machine. Runs once,
# inside it, with the packages to install as arguments.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# What a container has not, a machine has.
find /etc/systemd/system -lname /dev/null -delete

printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get -q update
apt-get -q -y --no-install-recommends install "$@"
rm /usr/sbin/policy-rc.d

# cloud-init owns network and root file system, as in Debian's cloud image; the seed is a disk.
cat > /etc/cloud/cloud.cfg.d/90_labdb.cfg <<'CLOUD'
datasource_list: [NoCloud, None]
apt: {preserve_sources_list: true}
CLOUD

# Packages come from behind the gateway, which knows the host's proxies.
sed -i '/::Proxy/d' /etc/apt/apt.conf.d/90host

echo 'LABEL=system / ext4 errors=remount-ro 0 1' > /etc/fstab
ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
: > /etc/machine-id
apt-get clean
rm -rf /var/lib/apt/lists/*
find /var/log -type f -delete
touch /etc/.updated /var/.updated
