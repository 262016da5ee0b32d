#!/bin/sh
# Turns a bare Debian into a guest of the lab. Runs once, inside the new root file system,
# with the packages to install as arguments.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# Nothing starts while packages are installed; a throw-away guest need not survive a power cut.
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
echo force-unsafe-io > /etc/dpkg/dpkg.cfg.d/labdb

apt-get -q update
apt-get -q -y dist-upgrade
apt-get -q -y --no-install-recommends install "$@"
rm /usr/sbin/policy-rc.d

sed -i 's/^# *\(en_US.UTF-8 UTF-8\)/\1/' /etc/locale.gen
locale-gen
update-locale LANG=en_US.UTF-8

# Docker gives the address; the hypervisor's mirror stays; the seed is the only data source.
cat > /etc/cloud/cloud.cfg.d/90_labdb.cfg <<'CLOUD'
datasource_list: [NoCloud, None]
network: {config: disabled}
apt: {preserve_sources_list: true}
growpart: {mode: "off"}
resize_rootfs: false
CLOUD
rm -f /etc/cloud/cloud.cfg.d/90_dpkg.cfg

# A guest without a seed has host keys of its own, too.
cat > /etc/systemd/system/ssh-host-keys.service <<'UNIT'
[Unit]
Description=SSH host keys of this guest
Before=ssh.service
After=cloud-init.service cloud-init-network.service
ConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=multi-user.target
UNIT
systemctl enable ssh.service ssh-host-keys.service

# What a container has not: consoles, kernel file systems of its own, a clock, a network to wait for.
systemctl mask \
    console-getty.service getty.target getty@tty1.service serial-getty@.service \
    dev-hugepages.mount dev-mqueue.mount \
    sys-fs-fuse-connections.mount sys-kernel-config.mount \
    sys-kernel-debug.mount sys-kernel-tracing.mount proc-sys-fs-binfmt_misc.automount \
    systemd-remount-fs.service systemd-modules-load.service \
    systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service \
    systemd-resolved.service networking.service ifupdown-pre.service \
    systemd-firstboot.service systemd-timesyncd.service \
    systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket \
    systemd-udev-trigger.service systemd-udev-settle.service
systemctl set-default multi-user.target

# What every guest has of its own.
rm -f /etc/ssh/ssh_host_* /var/lib/dbus/machine-id /etc/hostname /etc/resolv.conf
: > /etc/machine-id
apt-get clean
rm -rf /var/lib/apt/lists/* /tmp/* /var/tmp/*
find /var/log -type f -delete
# Nothing is newer than the caches that packages have just made: the first boot need not remake them.
touch /etc/.updated /var/.updated
