"""Well-known collections, each checked by its checksum."""

NAMES = ("cifar100", "pets", "coco-minitrain")  # of `reverie gather public`
