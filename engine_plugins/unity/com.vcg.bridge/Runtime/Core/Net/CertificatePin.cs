using System;
using System.IO;
using System.Text;

namespace Vcg.Bridge
{
    /// <summary>The sha256 by which a server's certificate is known.</summary>
    public static class CertificatePin
    {
        private const string Begin = "-----BEGIN CERTIFICATE-----", End = "-----END CERTIFICATE-----";

        /// <summary>The pin of the first certificate of a file (PEM or DER), in 64 hex digits.</summary>
        /// <exception cref="VcgException">code "config": the file cannot be read, or holds no certificate</exception>
        public static string OfFile(string path)
        {
            byte[] data;
            try
            {
                data = File.ReadAllBytes(path);
            }
            catch (Exception error)
            {
                if (error is IOException || error is UnauthorizedAccessException || error is ArgumentException)
                    throw new VcgException(
                        Vocabulary.ErrorCode.Config, "the certificate file " + path + " cannot be read: " + error.Message);
                throw;
            }
            byte[] der = data.Length > 0 && data[0] == 0x30 ? data : FromPem(Encoding.ASCII.GetString(data));
            if (der == null)
                throw new VcgException(
                    Vocabulary.ErrorCode.Config, path + " holds no certificate", "give a PEM file: " + Begin + " ...");
            return Hex(Sha256.Hash(der));
        }

        private static byte[] FromPem(string text)
        {
            int begin = text.IndexOf(Begin, StringComparison.Ordinal);
            int end = begin < 0 ? -1 : text.IndexOf(End, begin, StringComparison.Ordinal);
            if (end < 0)
                return null;
            try
            {
                byte[] der = Convert.FromBase64String(text.Substring(begin + Begin.Length, end - begin - Begin.Length));
                return der.Length > 0 ? der : null;
            }
            catch (FormatException)
            {
                return null;
            }
        }

        /// <exception cref="VcgException">"bad_request": it is no sha256</exception>
        internal static byte[] Parse(string pin)
        {
            if (string.IsNullOrEmpty(pin))
                throw VcgException.BadRequest(
                    "TLS needs the pin of the server's certificate",
                    "CertificatePin = sha256 of the certificate, or CertificatePin.OfFile(path)");
            string digits = pin.Replace(":", "").Trim().ToLowerInvariant();
            var bytes = new byte[32];
            bool good = digits.Length == 64;
            for (int i = 0; good && i < digits.Length; i++)
            {
                int value = "0123456789abcdef".IndexOf(digits[i]);
                good = value >= 0;
                bytes[i / 2] = (byte)(bytes[i / 2] << 4 | value & 15);
            }
            if (!good)
                throw VcgException.BadRequest("a certificate pin is a sha256 in 64 hex digits, not '" + pin + "'");
            return bytes;
        }

        /// <summary>The certificate, or its public key, has the pinned sha256.</summary>
        internal static bool Fits(byte[] pin, byte[] certificate)
        {
            if (Same(pin, Sha256.Hash(certificate)))
                return true;
            byte[] key = PublicKeyInfo(certificate);
            return key != null && Same(pin, Sha256.Hash(key));
        }

        internal static string Hex(byte[] bytes)
        {
            var text = new StringBuilder(2 * bytes.Length);
            foreach (byte value in bytes)
                text.Append(value.ToString("x2"));
            return text.ToString();
        }

        private static bool Same(byte[] left, byte[] right)
        {
            int difference = left.Length ^ right.Length;
            for (int i = 0; i < left.Length && i < right.Length; i++)
                difference |= left[i] ^ right[i];
            return difference == 0;
        }

        /// <summary>
        /// SubjectPublicKeyInfo of a certificate (RFC 5280, 4.1): in the first sequence, after version, serial number,
        /// signature algorithm, issuer, validity and subject. Null where the bytes are not so.
        /// </summary>
        private static byte[] PublicKeyInfo(byte[] certificate)
        {
            const int Sequence = 0x30, Version = 0xA0;
            int at = 0, end = certificate.Length;
            for (int i = 0; i < 2; i++)  // into the certificate, and into what is signed
            {
                if (at >= end || certificate[at] != Sequence || !Enter(certificate, ref at, ref end))
                    return null;
            }
            int before = at < end && certificate[at] == Version ? 6 : 5;
            for (int i = 0; i < before; i++)
            {
                int inside = at, stop = end;
                if (!Enter(certificate, ref inside, ref stop))
                    return null;
                at = stop;
            }
            int content = at, over = end;
            if (!Enter(certificate, ref content, ref over))
                return null;
            var info = new byte[over - at];
            Buffer.BlockCopy(certificate, at, info, 0, info.Length);
            return info;
        }

        /// <summary>From the tag of a DER value to its content and the end of that.</summary>
        private static bool Enter(byte[] der, ref int at, ref int end)
        {
            if (at + 2 > end)
                return false;
            int length = der[at + 1];
            at += 2;
            if (length > 0x80)
            {
                int bytes = length - 0x80;
                if (bytes > 3 || at + bytes > end)
                    return false;
                length = 0;
                for (int i = 0; i < bytes; i++)
                    length = length << 8 | der[at++];
            }
            if (length > end - at)
                return false;
            end = at + length;
            return true;
        }
    }
}
