"""What every GAN here is made of, whether it draws layers or pictures: losses, penalties, augmentation, discriminators, `Adversary`."""
